import { expect, test } from "bun:test";
import { Growth } from "../../../src/supervise/counters/growth.ts";

test("how long a counter is quiet is known to a period, and what grew since the last look grew now", () => {
  const growth = new Growth<string>();
  growth.note("a", 0, 0);
  expect(growth.quietSeconds("a", 0, 500)).toBeUndefined();
  expect(growth.quietSeconds("a", 1, 500)).toBe(0);
  growth.note("a", 1, 1000);
  growth.note("a", 1, 2000);
  expect(growth.quietSeconds("a", 1, 4000)).toBe(3);
  growth.note("a", 2, 5000);
  expect(growth.quietSeconds("a", 2, 5500)).toBe(0.5);
});

test("a counter that begins anew knows nothing of the one before it", () => {
  const growth = new Growth<string>();
  growth.note("a", 7, 0);
  growth.note("a", 0, 1000);
  growth.note("a", 7, 60_000);
  expect(growth.quietSeconds("a", 7, 61_000)).toBe(1);
  expect(growth.quietSeconds("b", 0, 61_000)).toBeUndefined();
});
