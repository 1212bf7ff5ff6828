import { expect, test } from "bun:test";
import { bucketOf } from "../../src/base/buckets.ts";
import { egress, latencyFirst, pageSize } from "../../src/relay/counters.ts";
import { Latency } from "../../src/relay/latency.ts";

function lab() {
  const counters = new Float64Array(pageSize / 8);
  const clock = { us: 1_000_000 };
  return { counters, clock, latency: new Latency(counters, () => clock.us) };
}

test("of a fast stream one frame in 64 is followed", () => {
  const { latency } = lab();
  latency.turn(1);
  const chosen = Array.from({ length: 640 }, () => latency.chooses()).filter(Boolean);
  expect(chosen.length).toBe(10);
});

test("of a slow one the first frame in every 20 ms is", () => {
  const { latency } = lab();
  let chosen = 0;
  for (let ms = 0; ms < 1000; ms += 5) {
    latency.turn(ms * 1e6 + 1);
    chosen += Number(latency.chooses());
  }
  expect(chosen).toBeGreaterThanOrEqual(49);
  expect(chosen).toBeLessThanOrEqual(51);
});

test("what is noted is counted by its bucket, summed up, and the longest is kept exactly", () => {
  const { counters, clock, latency } = lab();
  latency.note(clock.us - 100);
  latency.note(clock.us - 3);
  expect([counters[latencyFirst + bucketOf(100)], counters[latencyFirst + bucketOf(3)]]).toEqual([1, 1]);
  expect([counters[egress.latencySumUs], counters[egress.latencyMaxUs]]).toEqual([103, 100]);
});

test.each([5_000_000, 1, -3_600_000_000])(
  "a clock that was set by %d us while a frame was here is not counted",
  (us) => {
    const { counters, clock, latency } = lab();
    latency.note(clock.us + us);
    expect(counters.every((value) => value === 0)).toBe(true);
  },
);
