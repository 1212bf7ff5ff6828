import { expect, test } from "bun:test";
import { cpuSeconds, ticksOf } from "../../../src/supervise/stats/cpu-use.ts";

test("the name of a process may hold blanks and parentheses", () => {
  expect(ticksOf("12 (a) b (c) S 1 12 12 0 -1 4194560 100 0 0 0 40 2 0 0 20 0 1 0 1 1 1")).toBe(42);
});

test("this process has taken time, one that is gone none", () => {
  // The kernel counts in ticks of 10 ms: it takes some work to be seen.
  const deadline = performance.now() + 4000;
  while (cpuSeconds(process.pid) === 0 && performance.now() < deadline);
  expect(cpuSeconds(process.pid)).toBeGreaterThan(0);
  expect(cpuSeconds(2 ** 22 + 1)).toBe(0);
});
