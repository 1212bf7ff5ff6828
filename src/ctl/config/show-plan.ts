// A plan as lines for people: what comes, goes and changes, field by field.
import { printable } from "../../base/printable.ts";
import { print } from "../../config/print.ts";
import type { ListedPlan } from "../../control/config-words.ts";
import { count } from "../units.ts";

const marks = { added: "+", removed: "-", changed: "~" } as const;

/** The plan, and the sums below it. `unchanged` rules are only counted. */
export function showPlan(plan: ListedPlan): string {
  const rules = plan.rules.flatMap(({ change, rule_id, name, input, fields }) => [
    `${marks[change]} ${printable(name ?? rule_id)}  ${printable(input)}${name === undefined ? "" : `  (${printable(rule_id)})`}`,
    ...fields.map((field) => `    ${fieldLine(field)}`),
  ]);
  const settings = plan.settings.map((field) => `~ ${fieldLine(field)}`);
  const lines = [...settings, ...rules];
  return [...lines, ...(lines.length > 0 ? [""] : []), sums(plan)].join("\n");
}

/** `2 added, 1 removed, 0 changed, 12 unchanged`. */
export function sums({ rules, settings, unchanged }: ListedPlan): string {
  const of = (change: keyof typeof marks) => rules.filter((rule) => rule.change === change).length;
  const parts = [
    `${count(of("added"))} added`,
    `${count(of("removed"))} removed`,
    `${count(of("changed"))} changed`,
    `${count(unchanged)} unchanged`,
  ];
  return `${parts.join(", ")}${settings.length === 0 ? "" : `; ${count(settings.length)} settings changed`}`;
}

function fieldLine({ field, before, after }: ListedPlan["settings"][number]): string {
  const said = (value: unknown) => printable(print(value).replace(/\s+/g, " "));
  if (before === undefined) {
    return `${field}: ${said(after)}`;
  }
  return after === undefined ? `${field}: ${said(before)} -> none` : `${field}: ${said(before)} -> ${said(after)}`;
}
