// When a worker that died comes back. Pure: the clock is an argument.
import { exitCodes } from "../base/exit.ts";
import { limits } from "../limits.ts";

/** What is known of a worker's deaths; starts as `neverDied`. */
export type Deaths = { count: number; lastMs: number };

export const neverDied: Deaths = { count: 0, lastMs: 0 };

/** At once after the first death, then 250 ms doubling to 16 s; a quiet period forgets. */
export type Verdict = { deaths: Deaths; restartInMs: number } | { deaths: Deaths; isPermanent: true };

/** Exit codes that another try would only repeat: a kernel feature that was asked for, a missing right. */
const permanentCodes: readonly number[] = [exitCodes.unavailable, exitCodes.permission];

/** Decides after a worker ended with `exitCode` (null: killed by a signal) at `nowMs`, having run `livedMs`. */
export function afterDeath(deaths: Deaths, exitCode: number | null, livedMs: number, nowMs: number): Verdict {
  const isQuiet = livedMs >= limits.restartQuietMs;
  const count = isQuiet ? 1 : deaths.count + 1;
  const next = { count, lastMs: nowMs };
  if (exitCode !== null && permanentCodes.includes(exitCode)) {
    return { deaths: next, isPermanent: true };
  }
  const restartInMs =
    count === 1 ? 0 : Math.min(limits.restartDelayMinMs * 2 ** Math.min(count - 2, 16), limits.restartDelayMaxMs);
  return { deaths: next, restartInMs };
}
