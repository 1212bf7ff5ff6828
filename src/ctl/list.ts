// list: what the operator asked for, and whether it works.
import type { ListedOutput, ListedRule } from "../control/words.ts";
import { describeInput } from "../rules/key.ts";
import { askAndShow, usage } from "./answer.ts";
import { table } from "./table.ts";
import { tagFilter, taggedWorld, tagProblem } from "./tagged.ts";
import { count } from "./units.ts";
import type { Verb } from "./verb.ts";

export const list: Verb = {
  name: "list",
  aliases: ["list-rules"],
  chapter: "Rules",
  summary: "show the rules and whether they forward",
  details: [
    "A pending rule or output says what it waits for. TTL is what datagrams leave with. What the configuration files do not say " +
      "is marked as not saved. A disabled rule holds nothing, and waits for 'enable'.",
  ],
  usesSocket: true,
  options: tagFilter,
  examples: [
    { line: "mcr-appliance list", does: "a table" },
    { line: "mcr-appliance list --tag sport --tag hd", does: "rules that have both tags" },
    { line: "mcr-appliance list --json", does: "everything, for programs" },
  ],
  run: async (given, world) => {
    const tags = given.texts("tag");
    const problem = tagProblem(tags);
    const none = tags.length === 0 ? undefined : `no rule has the tag ${tags.join(" and ")}`;
    return problem === undefined
      ? askAndShow(taggedWorld(world, tags), "ListRules", "Rules", (rules) => renderRules(rules, none))
      : usage(world, problem);
  },
};

/** The table: a line for each output, the rule's own cells on its first; `none` when there is nothing to show. */
export function renderRules(
  rules: ListedRule[],
  none = "no rules; 'mcr-appliance help add' shows how to add one",
): string {
  if (rules.length === 0) {
    return none;
  }
  const hasTags = rules.some(({ tags }) => tags !== undefined);
  const rows = rules.flatMap((rule) => {
    const first = [rule.rule_id, rule.name ?? "-", describeInput(rule)];
    const tags = (isFirst: boolean) => (hasTags ? [isFirst ? (rule.tags ?? []).join(", ") : ""] : []);
    const lines = rule.outputs.map((output, index) => [
      ...(index === 0 ? first : ["", "", ""]),
      `-> ${describeOutput(output)}`,
      ttlOf(output),
      ...tags(index === 0),
      stateOf(rule, output, index === 0),
    ]);
    return lines.length > 0 ? lines : [[...first, "(no outputs)", "", ...tags(true), stateOf(rule, {}, true)]];
  });
  const columns = [
    { head: "ID" },
    { head: "NAME" },
    { head: "INPUT" },
    { head: "OUTPUT" },
    { head: "TTL", align: "right" },
    ...(hasTags ? [{ head: "TAGS" }] : []),
    { head: "STATE" },
  ] as const;
  const summary = summaryOf(rules);
  return `${table(columns, rows)}\n\n${summary}`;
}

/** `3 rules, 1 pending`, and how many are disabled, where any is. */
export function summaryOf(rules: readonly { state?: string | undefined }[]): string {
  const of = (state: string) => rules.filter((rule) => rule.state === state).length;
  const disabled = of("disabled") === 0 ? "" : `, ${count(of("disabled"))} disabled`;
  return `${count(rules.length)} ${rules.length === 1 ? "rule" : "rules"}, ${count(of("pending"))} pending${disabled}`;
}

/** `eth1 239.2.2.2:5001`, with where its datagrams seem to come from and their DSCP, where these are set. */
export function describeOutput(output: {
  group: string;
  port: number | string;
  interface: string;
  source_ip?: string | undefined;
  source_port?: number | undefined;
  dscp?: number | undefined;
  preserve_source?: boolean | undefined;
}): string {
  const dscp = output.dscp === undefined ? "" : ` dscp ${output.dscp}`;
  return `${output.interface} ${output.group}:${output.port}${sourceOf(output)}${dscp}`;
}

function sourceOf({ source_ip, source_port, preserve_source }: Parameters<typeof describeOutput>[0]): string {
  if (preserve_source === true) {
    return " from its sender";
  }
  const port = source_port === undefined ? "" : `:${source_port}`;
  return source_ip === undefined && port === "" ? "" : ` from ${source_ip ?? "*"}${port}`;
}

function ttlOf(output: ListedOutput): string {
  return String(output.ttl ?? output.effective_ttl ?? "-");
}

function stateOf(rule: ListedRule, output: { pending?: string | undefined }, isFirst: boolean): string {
  const words: string[] = [];
  if (isFirst) {
    const reason = rule.reason === undefined ? "" : `: ${rule.reason}`;
    words.push(`${rule.state ?? "active"}${reason}`);
    if (rule.ended_reason !== undefined) {
      words.push(`not ended after capture: ${rule.ended_reason}`);
    }
    if (rule.unsaved !== undefined) {
      words.push(rule.unsaved === "added" ? "not saved" : "changed, not saved");
    }
    if (rule.description !== undefined) {
      words.push(`"${rule.description}"`);
    }
    words.push(...(rule.warnings ?? []).map((warning) => `warning: ${warning}`));
  }
  if (output.pending !== undefined && output.pending !== rule.reason) {
    words.push(`output pending: ${output.pending}`);
  }
  return words.join("; ");
}
