import { expect, test } from "bun:test";
import fc from "fast-check";
import { Histogram } from "../../src/traffic/histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) {
    histogram.add(value);
  }
  return histogram;
}

// From nanoseconds to minutes, evenly over the powers.
const times = fc.tuple(fc.nat(37), fc.nat(0xffff_ffff)).map(([power, fraction]) => {
  return Math.floor(2 ** power * (1 + fraction / 2 ** 32));
});

test("percentiles are within one percent of the sorted values", () => {
  const shares = fc.constantFrom(0.01, 0.5, 0.99, 0.999, 1);
  fc.assert(
    fc.property(fc.array(times, { minLength: 1, maxLength: 300, size: "max" }), shares, (values, share) => {
      const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0;
      const found = histogramOf(values).percentile(share) ?? Number.NaN;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.01);
    }),
  );
});

test("the extremes are exact, and times below zero are counted apart", () => {
  const histogram = histogramOf([-5, 3, 2 ** 45]);
  expect([histogram.min, histogram.max, histogram.negative, histogram.count]).toEqual([-5, 2 ** 45, 1, 3]);
});

test("two merged are one that saw both", () => {
  fc.assert(
    fc.property(
      fc.array(times, { maxLength: 200, size: "max" }),
      fc.array(times, { maxLength: 200, size: "max" }),
      (left, right) => {
        const merged = histogramOf(left);
        merged.merge(histogramOf(right));
        expect(merged).toEqual(histogramOf([...left, ...right]));
      },
    ),
    { numRuns: 20 },
  );
});

test("an empty one has no percentile", () => {
  expect(new Histogram().percentile(0.5)).toBeUndefined();
});
