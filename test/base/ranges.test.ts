import { expect, test } from "bun:test";
import fc from "fast-check";
import { coarsened, rangesOf, rangesSize } from "../../src/base/ranges.ts";

const each = (numbers: readonly number[]) => numbers.map((number) => ({ first: number, last: number }));

test("neighbours become one range, repetitions count once, the top of the numbers is not passed", () => {
  expect(rangesOf(each([7, 5, 6, 6, 9, 0xffffffff, 0xfffffffe]))).toEqual([
    { first: 5, last: 7 },
    { first: 9, last: 9 },
    { first: 0xfffffffe, last: 0xffffffff },
  ]);
  expect(rangesOf([])).toEqual([]);
  // One that lies inside another takes nothing from it.
  expect(
    rangesOf([
      { first: 1, last: 9 },
      { first: 3, last: 4 },
    ]),
  ).toEqual([{ first: 1, last: 9 }]);
});

test("the smallest gaps are filled first", () => {
  const ranges = rangesOf(each([1, 3, 100, 103, 200]));
  expect(coarsened(ranges, 3)).toEqual([
    { first: 1, last: 3 },
    { first: 100, last: 103 },
    { first: 200, last: 200 },
  ]);
  expect(rangesSize(coarsened(ranges, 3))).toBe(8);
  expect(coarsened(ranges, 1)).toEqual([{ first: 1, last: 200 }]);
});

test("coarse or not, every number stays inside, and no more ranges are made than there is room for", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(300), fc.nat(0xffffffff)), { maxLength: 200 }),
      fc.integer({ min: 1, max: 50 }),
      (numbers, rangesMax) => {
        const ranges = coarsened(rangesOf(each(numbers)), rangesMax);
        expect(ranges.length).toBeLessThanOrEqual(rangesMax);
        expect(numbers.every((n) => ranges.some(({ first, last }) => n >= first && n <= last))).toBe(true);
        expect(ranges.every(({ first }, at) => at === 0 || first > (ranges[at - 1]?.last ?? 0) + 1)).toBe(true);
      },
    ),
  );
});
