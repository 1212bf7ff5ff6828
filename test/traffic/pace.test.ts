import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Doze, Pace } from "../../src/traffic/pace.ts";

const second = 1e9;
const lagMax = 20e6;

describe("a schedule", () => {
  test("is absolute: looked at whenever it pleases, it hands out what is due and never more", () => {
    const looks = fc.array(fc.integer({ min: 1, max: 15_000_000 }), { minLength: 1, maxLength: 100, size: "max" });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), looks, (rate, pauses) => {
        const interval = second / rate;
        const pace = new Pace(interval, 1e15, lagMax);
        let now = 1e15;
        let taken = 0;
        for (const pause of pauses) {
          now += pause;
          taken += pace.take(now, Number.MAX_SAFE_INTEGER);
          expect(Math.abs(taken - (Math.floor((now - 1e15) / interval) + 1))).toBeLessThanOrEqual(1);
        }
        expect(pace.slippedNs).toBe(0);
      }),
    );
  });

  test("does not drift: a million units later the next is due to the nanosecond", () => {
    const pace = new Pace(second / 30_000, 0, lagMax);
    for (let unit = 0; unit < 1_000_000; unit++) {
      pace.take(pace.dueNs, 1);
    }
    expect(pace.dueNs).toBeCloseTo((1_000_000 / 30_000) * second, 0);
  });

  test("hands out nothing before its time, and the first unit at once", () => {
    const pace = new Pace(1000, 5000, lagMax);
    expect(pace.take(4999, 10)).toBe(0);
    expect(pace.take(5000, 10)).toBe(1);
    expect(pace.take(5999, 10)).toBe(0);
    expect(pace.take(6000, 10)).toBe(1);
  });

  test("keeps what did not fit for the next look", () => {
    const pace = new Pace(1000, 0, lagMax);
    expect(pace.take(9000, 4)).toBe(4);
    expect(pace.take(9000, 4)).toBe(4);
    expect(pace.take(9000, 4)).toBe(2);
    expect(pace.take(9000, 4)).toBe(0);
  });

  test("catches up after a short stall, and moves after a long one", () => {
    const short = new Pace(1e6, 0, lagMax);
    expect(short.take(20e6, 100)).toBe(21);
    expect(short.slippedNs).toBe(0);
    const long = new Pace(1e6, 0, lagMax);
    expect(long.take(second, 100)).toBe(1);
    expect(long.slippedNs).toBe(second);
    expect(long.dueNs).toBe(second + 1e6);
  });

  test("without an interval always has as much as is wanted", () => {
    const pace = new Pace(0, 100, lagMax);
    expect([pace.take(0, 16), pace.take(0, 16)]).toEqual([16, 16]);
  });
});

test("the margin before a moment grows at once with a late sleep, shrinks slowly, and stays within bounds", () => {
  const doze = new Doze(60_000);
  doze.learn(100_000);
  expect(doze.marginNs).toBe(125_000);
  doze.learn(1_000);
  expect(doze.marginNs).toBeGreaterThan(120_000);
  for (let sleep = 0; sleep < 2_000; sleep++) {
    doze.learn(0);
  }
  expect(doze.marginNs).toBeCloseTo(5_000, -1);
  doze.learn(1e9);
  expect(doze.marginNs).toBe(300_000);
});
