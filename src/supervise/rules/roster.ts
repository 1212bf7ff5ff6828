// All rules and their outputs by their places in the counter pages: who compares every counter once a second goes along numbers, and
// touches a rule only when there is something to say of it.

import type { LiveOutput } from "../outputs/outputs.ts";
import type { LiveRule } from "./live-rule.ts";

/** An output and the rule that it belongs to. */
export type RosterOutput = { owner: LiveRule; live: LiveOutput };

/** As long as no rule comes, goes or changes it is the same object. */
export type Roster = {
  /** Oldest first. */
  readonly rules: readonly LiveRule[];
  /** The place of each in the counter pages. */
  readonly rulePlaces: Uint32Array;
  readonly outputs: readonly RosterOutput[];
  readonly outputPlaces: Uint32Array;
};

/** Lists all of `rules`. */
export function rosterOf(rules: readonly LiveRule[]): Roster {
  const outputs = rules.flatMap((owner) => owner.outputs.map((live) => ({ owner, live })));
  return {
    rules,
    rulePlaces: Uint32Array.from(rules, ({ counter }) => counter),
    outputs,
    outputPlaces: Uint32Array.from(outputs, ({ live }) => live.counter),
  };
}

/** The outputs whose place is `isOdd`. */
export function outputsWhere({ outputs, outputPlaces }: Roster, isOdd: (place: number) => boolean): RosterOutput[] {
  return outputs.filter((_, at) => isOdd(outputPlaces[at] ?? 0));
}
