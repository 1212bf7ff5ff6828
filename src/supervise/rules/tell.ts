// What the log and whoever asked are told of a set of changes.
import { limits } from "../../limits.ts";
import type { Change } from "../../rules/table.ts";
import { type LiveRule, newsOf } from "./live-rule.ts";
import type { Step } from "./register.ts";

type News = (level: "Info" | "Warning", message: string, fields: Record<string, string | number>) => void;

/** A line for each step, or one for all when there are many; then what should be known of the rules that run now. */
export function tellSteps(steps: readonly Step[], warningsOf: (live: LiveRule) => string[], onNews: News): void {
  if (steps.length > limits.changesToldMax) {
    onNews("Info", "rules changed", countsOf(steps));
    return;
  }
  for (const { before, after } of steps) {
    const message = before === undefined ? "rule added" : after === undefined ? "rule removed" : "rule changed";
    const live = after ?? before;
    if (live !== undefined) {
      onNews("Info", message, newsOf(live));
    }
    for (const warning of after === undefined ? [] : warningsOf(after)) {
      onNews("Warning", warning, { rule: after?.rule.rule_id ?? "" });
    }
  }
}

/** How the answer to a change that could not be made begins. */
export function subjectOf({ put, remove }: Change): string {
  const [rule] = put;
  const isOne = rule !== undefined && put.length === 1 && remove.length === 0;
  return isOne ? `Rule ${rule.rule_id} not added` : `${put.length + remove.length} changes not made`;
}

function countsOf(steps: readonly Step[]): Record<string, number> {
  const added = steps.filter(({ before }) => before === undefined).length;
  const removed = steps.filter(({ after }) => after === undefined).length;
  return { added, removed, changed: steps.length - added - removed };
}
