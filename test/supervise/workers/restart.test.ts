import { expect, test } from "bun:test";
import { exitCodes } from "../../../src/base/exit.ts";
import { limits } from "../../../src/limits.ts";
import { afterDeath, type Deaths, neverDied } from "../../../src/supervise/workers/restart.ts";

/** The delays of deaths that follow each other, each after `livedMs`; null where it is not restarted. */
function delays(lives: readonly number[], exitCode: number | null = 70): (number | null)[] {
  let deaths: Deaths = neverDied;
  return lives.map((livedMs) => {
    const verdict = afterDeath(deaths, exitCode, livedMs);
    deaths = verdict.deaths;
    return "permanent" in verdict ? null : verdict.restartInMs;
  });
}

test("a worker comes back at once, then after 250 ms, then after twice as long each time, up to 16 s", () => {
  expect(delays(new Array(11).fill(10))).toEqual([0, 250, 500, 1000, 2000, 4000, 8000, 16_000, 16_000, 16_000, 16_000]);
});

test("a delay stays a number however often it dies", () => {
  expect(delays(new Array(3_000).fill(0)).at(-1)).toBe(limits.restartDelayMaxMs);
});

test("whoever lived long is forgiven what was before, to the millisecond", () => {
  const { restartQuietMs } = limits;
  expect(delays([1, 1, 1, restartQuietMs, 1])).toEqual([0, 250, 500, 0, 250]);
  expect(delays([1, 1, 1, restartQuietMs - 1])).toEqual([0, 250, 500, 1000]);
});

test.each([exitCodes.unavailable, exitCodes.protocol, exitCodes.permission])(
  "exit code %i says that nothing would be different next time",
  (code) => {
    expect(delays([1], code)).toEqual([null]);
    expect(delays([limits.restartQuietMs + 1], code)).toEqual([null]);
  },
);

test.each([null, exitCodes.ok, exitCodes.broken, exitCodes.system, 1, 139])(
  "an end with %p is followed by another try",
  (code) => {
    expect(delays([1, 1], code)).toEqual([0, 250]);
  },
);
