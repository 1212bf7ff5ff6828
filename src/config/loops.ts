// What the rules of a configuration make together: loops, and outputs that more than one of them makes. Told at the rule that
// closes the loop, or makes the output a second time.
import { RuleGraph } from "../rules/graph.ts";
import { loopText, othersNamedMax, sharedText } from "../rules/loops.ts";
import type { Rule } from "../rules/schema.ts";
import type { Judged, Sketch } from "./judge.ts";
import type { Problem } from "./problem.ts";

/** A rule, and where it stands. */
export type PlacedRule = { rule: Rule; judged: Judged | undefined; sketch: Sketch | undefined };

/** Errors for loops that no rule allows, warnings for what is made twice. */
export function loopProblems(rules: readonly PlacedRule[]): Problem[] {
  const graph = new RuleGraph();
  return rules.flatMap((placed) => {
    const cycle = graph.cycleAfter([placed.rule], []);
    if (cycle !== undefined) {
      // Left out, so that the next loop is told as well and not this one again.
      return told("error", placed, loopText(cycle));
    }
    graph.put(placed.rule);
    return graph
      .sharedBy(placed.rule, othersNamedMax)
      .flatMap((shared) => told("warning", placed, sharedText(placed.rule, shared)));
  });
}

function told(severity: Problem["severity"], { judged, sketch }: PlacedRule, text: string): Problem[] {
  if (judged === undefined || sketch === undefined) {
    return [];
  }
  const { start } = sketch.node;
  return [judged.reporter.problem(severity, { start, end: start + 1 }, `rules[${sketch.index}]: ${text}`)];
}
