import { expect, test } from "bun:test";
import { Rates } from "../../../src/supervise/counters/rates.ts";

function look(rates: Rates, nowMs: number, values: Record<number, number>): void {
  rates.begin(nowMs);
  for (const [place, value] of Object.entries(values)) rates.note(Number(place), value);
}

test("a rate is what was added between the last two looks, over the time between them", () => {
  const rates = new Rates(4);
  look(rates, 0, { 1: 1000 });
  expect(rates.of(1)).toBe(0);
  look(rates, 500, { 1: 1500 });
  expect(rates.of(1)).toBe(1000);
  look(rates, 1500, { 1: 1500 });
  expect(rates.of(1)).toBe(0);
});

test("a counter that begins anew has no negative rate, and one that is new or unknown has none", () => {
  const rates = new Rates(4);
  look(rates, 0, { 1: 1000 });
  look(rates, 1000, { 1: 10, 2: 7 });
  expect([rates.of(1), rates.of(2), rates.of(3)]).toEqual([0, 0, 0]);
});

test("two looks at one moment divide by nothing, and a clock that went back is not believed", () => {
  const rates = new Rates(4);
  look(rates, 1000, { 1: 1 });
  look(rates, 1000, { 1: 2 });
  expect(rates.of(1)).toBe(0);
  look(rates, 500, { 1: 3 });
  expect(rates.of(1)).toBe(0);
});

test("a place that one look passed over has a new owner at the next", () => {
  const rates = new Rates(4);
  look(rates, 0, { 1: 0 });
  look(rates, 1000, {});
  expect(rates.of(1)).toBe(0);
  look(rates, 2000, { 1: 5000 });
  expect(rates.of(1)).toBe(0);
});
