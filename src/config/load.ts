// From texts to rules: all files of a configuration, judged each by itself and then beside each other. Changes nothing.
import { printable } from "../base/printable.ts";
import { compact } from "../rules/fields.ts";
import type { Rule } from "../rules/schema.ts";
import { conflicts } from "./conflicts.ts";
import { type ConfigText, readConfig } from "./files.ts";
import { memberOf } from "./json5/node.ts";
import { type Judged, judge } from "./judge.ts";
import { loopProblems, type PlacedRule } from "./loops.ts";
import { type Problem, sorted } from "./problem.ts";
import { fromFile } from "./rule-value.ts";
import type { Config } from "./schema.ts";
import { protocolSectionNames } from "./sections.ts";

/** Everything in a configuration but its rules. */
export type Settings = Omit<Config, "rules" | "$schema">;

/** A configuration without errors. `texts` are the files it was read from, the main file first. */
export type Loaded = {
  rules: Rule[];
  settings: Settings;
  texts: readonly ConfigText[];
  /** In which of `texts` each rule stands, by its id. */
  homes: ReadonlyMap<string, string>;
};

/** What there is to say of a configuration; `loaded` only when none of `problems` is an error. */
export type Verdict = { loaded?: Loaded; problems: Problem[] };

/** Reads the configuration at `path`: the file, and conf.d beside it (files.ts). */
export async function loadConfig(path: string): Promise<Verdict> {
  const { texts, problems } = await readConfig(path);
  const verdict = judgeTexts(texts);
  const all = [...problems, ...verdict.problems];
  return problems.some(({ severity }) => severity === "error") ? { problems: all } : { ...verdict, problems: all };
}

/** The same for texts that are already here. */
export function judgeTexts(texts: readonly ConfigText[]): Verdict {
  const files = texts.map(({ path, text }) => judge(path, text));
  const problems = sorted([...files.flatMap((file) => file.problems), ...conflicts(files), ...files.flatMap(notices)]);
  const configs = files.map(({ config }) => config).filter((config) => config !== undefined);
  if (configs.length < files.length || problems.some(({ severity }) => severity === "error")) {
    return { problems };
  }
  const homes = new Map<string, string>();
  const rules: PlacedRule[] = [];
  for (const [index, { rules: fileRules }] of configs.entries()) {
    for (const [at, fileRule] of (fileRules ?? []).entries()) {
      const rule = fromFile(fileRule);
      rules.push({ rule, judged: files[index], sketch: files[index]?.sketches[at] });
      homes.set(rule.rule_id, texts[index]?.path ?? "");
    }
  }
  const loops = loopProblems(rules);
  const all = sorted([...problems, ...loops]);
  return loops.some(({ severity }) => severity === "error")
    ? { problems: all }
    : { loaded: { rules: rules.map(({ rule }) => rule), settings: settingsOf(configs), texts, homes }, problems: all };
}

/** The same for a value that somebody sent: places would mean nothing to them. */
export function judgeValue(value: unknown): { loaded?: Loaded; errors: string[]; warnings: string[] } {
  const { loaded, problems } = judgeTexts([{ path: "the configuration", text: JSON.stringify(value) }]);
  const of = (severity: Problem["severity"]) =>
    problems.filter((problem) => problem.severity === severity).map(({ message }) => message);
  return { ...compact({ loaded }), errors: of("error"), warnings: of("warning") };
}

function settingsOf(configs: readonly Config[]): Settings {
  const merged: Config = Object.assign({}, ...configs.map(compact));
  const { rules: _rules, $schema: _schema, ...settings } = merged;
  return settings;
}

/** What is right, and still not what somebody may expect. */
function notices({ root, sketches, reporter }: Judged): Problem[] {
  const notices: Problem[] = [];
  const at = (name: string) => memberOf(root, name);
  for (const name of protocolSectionNames) {
    const member = at(name);
    if (member?.value.kind === "object") {
      const message = `section '${name}' is accepted, but what it asks for is not available yet`;
      notices.push(reporter.problem("warning", member.key, message));
    }
  }
  const pinning = at("pinning");
  if (pinning?.value.kind === "object" && pinning.value.members.length > 0) {
    const message = "section 'pinning' is accepted, but not in effect yet; use --cores";
    notices.push(reporter.problem("warning", pinning.key, message));
  }
  for (const { index, node, input, outputs } of sketches) {
    const span = { start: node.start, end: node.start + 1 };
    const { protocol } = input ?? {};
    if (protocol && protocol !== "esp" && protocol.toLowerCase() !== "udp") {
      const message = `rules[${index}].input.protocol '${printable(protocol)}' is taken as "udp"; known are "udp" and "esp"`;
      notices.push(reporter.problem("warning", span, message));
    }
    if (input?.interface === "lo" || outputs.some((output) => output.interface === "lo")) {
      const message = `rules[${index}] uses 'lo': everything sent there comes back in on it`;
      notices.push(reporter.problem("warning", span, message));
    }
  }
  return notices;
}
