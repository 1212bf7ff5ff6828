// Many commands of an operator as one change: what the rules would be if they had been given one after the other.

import { planCounts } from "../../config/plan.ts";
import type { Batched, Reply } from "../../control/words.ts";
import { limits } from "../../limits.ts";
import { chosen } from "../../rules/choice.ts";
import { makeRule, type Rule } from "../../rules/schema.ts";
import { isRejection, RuleTable } from "../../rules/table.ts";
import { changeFor } from "../rules/choose.ts";
import type { Configuration } from "./configuration.ts";

/** Carries out `changes` in one step, or none of them and says all that is wrong, each with its line. */
export async function runBatch(
  configuration: Pick<Configuration, "merge">,
  changes: readonly Batched[],
  by: { uid?: number },
): Promise<Reply> {
  let problems: readonly string[] = [];
  let before: readonly Rule[] = [];
  const applied = await configuration.merge(
    (running) => {
      before = running.rules;
      // Ties and loops are judged once, of what comes out. Only where there is one, each command is: which one makes it?
      const after = rulesAfter(before, changes, false);
      problems = after.problems;
      return problems.length > 0 ? running : { ...running, rules: after.rules };
    },
    { how: "batch", ...by },
  );
  if (!applied.ok && isRejection(applied.error)) {
    problems = rulesAfter(before, changes).problems;
  }
  if (problems.length > 0) {
    const more = problems.length - limits.configProblemsMax;
    const shown = problems.slice(0, limits.configProblemsMax);
    return { Error: [...shown, ...(more > 0 ? [`and ${more} more`] : []), "Nothing was changed."].join("\n") };
  }
  if (!applied.ok) {
    return { Error: applied.error };
  }
  const { added, removed, changed, unchanged } = planCounts(applied.value.plan);
  const { version } = applied.value;
  const end = version === undefined ? "nothing to change" : `version ${version.number} runs`;
  const counts = `${added} rules added, ${removed} removed, ${changed} changed, ${unchanged} unchanged`;
  return { Success: `${changes.length} commands: ${counts}; ${end}` };
}

/** The rules after `changes`, each judged as it would be alone at its turn, ties and loops if so wished; one that is refused does nothing. */
export function rulesAfter(
  running: readonly Rule[],
  changes: readonly Batched[],
  judgesOthers = true,
): { rules: Rule[]; problems: string[] } {
  const table = new RuleTable({ judgesOthers });
  table.change({ put: running, remove: [] });
  const problems: string[] = [];
  for (const [index, change] of changes.entries()) {
    const problem = problemOf(table, change);
    if (problem !== undefined) {
      problems.push(`${change.line === undefined ? `command ${index + 1}` : `line ${change.line}`}: ${problem}`);
    }
  }
  return { rules: table.list(), problems };
}

function problemOf(table: RuleTable, change: Batched): string | undefined {
  const { AddRule, RemoveRule, RemoveRuleByName, EnableRules, DisableRules, RemoveRules } = change;
  const choice = EnableRules ?? DisableRules ?? RemoveRules;
  if (choice !== undefined) {
    const rules = chosen(choice, table);
    if (!rules.ok) {
      return rules.error;
    }
    const verdict = EnableRules !== undefined ? "enabled" : DisableRules !== undefined ? "disabled" : "removed";
    const asked = changeFor(rules.value, verdict);
    const problem = table.problem(asked);
    if (problem === undefined) {
      table.change(asked);
    }
    return problem;
  }
  const made =
    AddRule !== undefined
      ? table.add(makeRule(AddRule, "Dynamic"))
      : RemoveRule !== undefined
        ? table.remove(RemoveRule.rule_id)
        : table.removeByName(RemoveRuleByName?.name ?? "");
  return made.ok ? undefined : made.error;
}
