import { expect, test } from "bun:test";
import { bucketOf } from "../../../src/base/buckets.ts";
import { limits } from "../../../src/limits.ts";
import { egress, latencyFirst } from "../../../src/relay/counters.ts";
import { LatencyWindow, latencyOf } from "../../../src/supervise/counters/latency-window.ts";
import { Page } from "../../../src/supervise/counters/pages.ts";

function page() {
  const made = Page.open("latency-window-test");
  const note = (us: number, times = 1) => {
    const at = latencyFirst + bucketOf(us);
    made.put(at, made.value(at) + times);
    made.put(egress.latencyMaxUs, Math.max(us, made.value(egress.latencyMaxUs)));
  };
  return { made, note };
}

test("the last minute knows nothing of what was before it, and the whole still does", () => {
  const { made, note } = page();
  const window = new LatencyWindow();
  note(1_000_000, 100);
  for (let period = 0; period <= limits.latencyWindowPeriods; period++) window.sample([made]);
  note(100, 99);
  note(5_000);
  const minute = window.of([made]);
  expect(minute.samples).toBe(100);
  // Within an eighth.
  expect(minute.p50_us).toBeGreaterThan(100);
  expect(minute.p50_us).toBeLessThanOrEqual(113);
  expect(minute.max_us).toBeGreaterThan(5_000);
  expect(minute.max_us).toBeLessThan(5_700);
  expect(latencyOf([made])).toMatchObject({ samples: 200, max_us: 1_000_000 });
});

test("before a minute has passed, what there is counts; silence has no latency", () => {
  const { made, note } = page();
  const window = new LatencyWindow();
  note(100);
  expect(window.of([made]).samples).toBe(1);
  window.sample([made]);
  expect(window.of([made])).toEqual({ samples: 0, p50_us: 0, p99_us: 0, p999_us: 0, max_us: 0 });
});

test("workers add up", () => {
  const [first, second] = [page(), page()];
  const window = new LatencyWindow();
  window.sample([first.made, second.made]);
  first.note(10);
  second.note(1_000);
  expect(window.of([first.made, second.made])).toMatchObject({ samples: 2 });
  expect(window.of([second.made]).samples).toBe(1);
});
