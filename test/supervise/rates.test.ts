import { expect, test } from "bun:test";
import { Rates } from "../../src/supervise/rates.ts";

test("a rate is what was added between the last two looks, over the time between them", () => {
  const rates = new Rates();
  rates.sample([["a", 1000]], 0);
  expect(rates.of("a")).toBe(0);
  rates.sample([["a", 1500]], 500);
  expect(rates.of("a")).toBe(1000);
  rates.sample([["a", 1500]], 1500);
  expect(rates.of("a")).toBe(0);
});

test("a counter that begins anew has no negative rate, and one that is new or unknown has none", () => {
  const rates = new Rates();
  rates.sample([["a", 1000]], 0);
  rates.sample(
    [
      ["a", 10],
      ["b", 7],
    ],
    1000,
  );
  expect([rates.of("a"), rates.of("b"), rates.of("c")]).toEqual([0, 0, 0]);
});

test("two looks at one moment divide by nothing, and a clock that went back is not believed", () => {
  const rates = new Rates();
  rates.sample([["a", 1]], 1000);
  rates.sample([["a", 2]], 1000);
  expect(rates.of("a")).toBe(0);
  rates.sample([["a", 3]], 500);
  expect(rates.of("a")).toBe(0);
});

test("a counter that is not named any more is forgotten", () => {
  const rates = new Rates();
  rates.sample([["a", 0]], 0);
  rates.sample([], 1000);
  rates.sample([["a", 5000]], 2000);
  expect(rates.of("a")).toBe(0);
});
