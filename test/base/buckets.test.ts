import { expect, test } from "bun:test";
import fc from "fast-check";
import { bucketCount, bucketEnd, bucketOf, shareOf } from "../../src/base/buckets.ts";
import { prove } from "../helpers/prove.ts";

test("a value lies below the end of its bucket and not below the end of the one before", () => {
  prove(
    fc.property(fc.double({ min: 0, max: 2 ** 25 - 1, noNaN: true }), (value) => {
      const bucket = bucketOf(value);
      const start = bucket === 0 ? 0 : bucketEnd(bucket - 1);
      return value < bucketEnd(bucket) && value >= start;
    }),
    500,
  );
});

test("a bucket is never wider than an eighth of its values", () => {
  for (let bucket = 8; bucket < bucketCount; bucket++) {
    const start = bucketEnd(bucket - 1);
    expect((bucketEnd(bucket) - start) / start).toBeLessThanOrEqual(1 / 8);
  }
});

test("what is out of range counts at the edge", () => {
  expect([bucketOf(-5), bucketOf(0), bucketOf(0.9), bucketOf(2 ** 25), bucketOf(1e15)]).toEqual([
    0,
    0,
    0,
    bucketCount - 1,
    bucketCount - 1,
  ]);
});

test("a share is the end of the bucket in which it is reached", () => {
  const buckets = new Float64Array(bucketCount);
  expect(shareOf(buckets, 0.5)).toBe(0);
  buckets[bucketOf(3)] = 99;
  buckets[bucketOf(1000)] = 1;
  expect([shareOf(buckets, 0.5), shareOf(buckets, 0.99), shareOf(buckets, 0.999)]).toEqual([4, 4, 1024]);
});
