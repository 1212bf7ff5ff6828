// When a worker that died comes back. Pure: the clock is an argument.
import { exitCodes } from "../../base/exit.ts";
import { limits } from "../../limits.ts";

/** How often a worker died without a quiet period between; starts as `neverDied`. */
export type Deaths = number;

export const neverDied: Deaths = 0;

/** At once after the first death, then 250 ms doubling to 16 s; a quiet period forgets. */
export type Verdict = { deaths: Deaths; restartInMs: number } | { deaths: Deaths; permanent: string };

/** Exit codes that another try would only repeat, and what they say. */
const permanentCauses = new Map<number, string>([
  [exitCodes.unavailable, "a kernel feature is missing"],
  [exitCodes.protocol, "it is of another build than this supervisor"],
  [exitCodes.permission, "a permission is missing"],
]);

/** Decides after a worker that ran for `livedMs` ended with `exitCode` (null: it was killed, or could not be started). */
export function afterDeath(before: Deaths, exitCode: number | null, livedMs: number): Verdict {
  const deaths = livedMs >= limits.restartQuietMs ? 1 : before + 1;
  const permanent = exitCode === null ? undefined : permanentCauses.get(exitCode);
  if (permanent !== undefined) {
    return { deaths, permanent };
  }
  // Far beyond the maximum the power would leave the range of exact numbers.
  const doublings = Math.min(deaths - 2, 30);
  const restartInMs = deaths === 1 ? 0 : Math.min(limits.restartDelayMinMs * 2 ** doublings, limits.restartDelayMaxMs);
  return { deaths, restartInMs };
}
