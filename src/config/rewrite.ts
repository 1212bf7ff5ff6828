// New texts for the files of a configuration, so that they mean what runs. Only what differs is touched, and what comes out is
// read again and compared before anybody may write it.
import { done, failed, type Outcome } from "../base/outcome.ts";
import type { Rule } from "../rules/schema.ts";
import { Editor, edited } from "./edit.ts";
import type { ConfigText } from "./files.ts";
import { type ArrayNode, type Member, meaningOf, memberOf, type Node, type ObjectNode } from "./json5/node.ts";
import { parseJson5 } from "./json5/parse.ts";
import { judgeTexts } from "./load.ts";
import { isEmpty, planOf, type Setup } from "./plan.ts";
import { print, printKey } from "./print.ts";
import { fromFile, isSameRule, type RuleValue, toFile } from "./rule-value.ts";
import { configSchema, fileRuleSchema, outputKeys } from "./schema.ts";

const emptyText = "{\n  rules: [\n  ],\n}\n";
const { shape } = fileRuleSchema;
const ruleKeys = new Set([...Object.keys(shape), ...Object.keys(shape.input.shape), ...outputKeys]);

/**
 * The files of `texts` that must be written so that all together say `setup`, changed as little as possible. Rules stay in
 * their files; new ones go into the first, which is made when there is none.
 */
export function rewritten(texts: readonly ConfigText[], setup: Setup, mainPath: string): Outcome<ConfigText[]> {
  const all = texts.some(({ path }) => path === mainPath) ? texts : [{ path: mainPath, text: emptyText }, ...texts];
  const rules = new Map(setup.rules.map((rule) => [rule.rule_id, rule]));
  const settings = new Map(Object.entries(setup.settings));
  // The main file last: what no other file has claimed is new there.
  const inOrder = [...all.filter(({ path }) => path !== mainPath), ...all.filter(({ path }) => path === mainPath)];
  const changed = new Map(
    inOrder.map(({ path, text }) => [path, rewriteOne(text, rules, settings, path === mainPath)] as const),
  );
  const result = all.map(({ path, text }) => ({ path, text: changed.get(path) ?? text }));
  const { loaded, problems } = judgeTexts(result);
  if (loaded === undefined || !isEmpty(planOf(loaded, setup))) {
    const [problem] = problems;
    return failed(
      `what runs cannot be written into these files: ${problem?.message ?? "they would say something else"}`,
    );
  }
  const before = new Map(texts.map(({ path, text }) => [path, text]));
  return done(result.filter(({ path, text }) => before.get(path) !== text));
}

/** Takes out of `rules` and `settings` what this file says; with `isMain`, says all that is left in them. */
function rewriteOne(text: string, rules: Map<string, Rule>, settings: Map<string, unknown>, isMain: boolean): string {
  const { root, comments } = parseJson5(text);
  if (root.kind !== "object") {
    return text;
  }
  const editor = new Editor(text, comments);
  const list = memberOf(root, "rules")?.value;
  const isList = list?.kind === "array";
  const kept = isList ? keepRules(editor, list, rules) : [];
  const fresh = isMain ? [...rules.values()].map(toFile) : [];
  if (list !== undefined && fresh.length > 0 && (!isList || (kept.length === 0 && list.items.length > 0))) {
    // Nothing of the list is left to stand behind.
    editor.edits.splice(0);
    editor.replace(list, fresh);
  } else if (isList && fresh.length > 0) {
    editor.append(list, kept.at(-1), (indent) => fresh.map((value) => print(value, indent)));
  }
  const members = keepSettings(editor, root, settings);
  const added = {
    ...(list === undefined && fresh.length > 0 ? { rules: fresh } : {}),
    ...(isMain ? Object.fromEntries([...settings].filter(([, value]) => value !== null && value !== undefined)) : {}),
  };
  if (Object.keys(added).length > 0) {
    const last = members.at(-1);
    editor.append(root, last && { start: last.key.start, end: last.value.end }, (indent) =>
      Object.entries(added).map(([name, value]) => `${printKey(name)}: ${print(value, indent)}`),
    );
  }
  return edited(text, editor.edits);
}

/** Brings settings in line, and takes those that this file makes out of `settings`; returns the members that stay. */
function keepSettings(editor: Editor, root: ObjectNode, settings: Map<string, unknown>): Member[] {
  return root.members.filter(({ name, key, value }) => {
    if (!isSetting(name) || (value.kind === "scalar" && value.value === null)) {
      return true;
    }
    const wanted = settings.get(name) ?? undefined;
    settings.delete(name);
    if (wanted === undefined) {
      editor.remove({ start: key.start, end: value.end });
      return false;
    }
    if (!Bun.deepEquals(configSchema.shape[name].safeParse(meaningOf(value)).data, wanted)) {
      editor.become(value, wanted);
    }
    return true;
  });
}

type SettingName = Exclude<keyof typeof configSchema.shape, "rules" | "$schema">;

function isSetting(name: string): name is SettingName {
  return name !== "rules" && name !== "$schema" && Object.hasOwn(configSchema.shape, name);
}

/** Brings the rules of one list in line; returns those that stay. */
function keepRules(editor: Editor, list: ArrayNode, rules: Map<string, Rule>): Node[] {
  return list.items.filter((item) => {
    const parsed = fileRuleSchema.safeParse(meaningOf(item));
    const here = parsed.success ? fromFile(parsed.data) : undefined;
    const wanted = rules.get(here?.rule_id ?? "");
    if (here === undefined || wanted === undefined) {
      editor.remove(item);
      return false;
    }
    rules.delete(wanted.rule_id);
    if (!isSameRule(here, wanted)) {
      editor.become(item, withProtocol(toFile(wanted), parsed.data?.input.protocol), (key) => ruleKeys.has(key));
    }
    return true;
  });
}

/** "udp" goes without saying, but who has said it may keep it. */
function withProtocol(value: RuleValue, said: string | null | undefined): object {
  const isKept = said !== undefined && said !== null && said !== "esp" && value.input.protocol === undefined;
  return isKept ? { ...value, input: { ...value.input, protocol: said } } : value;
}
