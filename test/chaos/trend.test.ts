import { describe, expect, test } from "bun:test";
import { growths, slope, slopeError } from "./trend.ts";

describe("a slope", () => {
  test("of a straight line is the line's, whatever it begins with", () => {
    expect(slope([5, 7, 9, 11])).toBe(2);
    expect(slope([100, 90, 80])).toBe(-10);
    expect(slope([4, 4, 4, 4])).toBe(0);
  });

  test("is that of the least squares", () => {
    // By hand: middle 1.5, mean 2.5; (-1.5 x -1.5) + (-0.5 x 0.5) + (0.5 x -0.5) + (1.5 x 1.5) = 4, over 5.
    expect(slope([1, 3, 2, 4])).toBeCloseTo(0.8, 12);
  });

  test("of less than two values is not a number", () => {
    expect([slope([]), slope([3])]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe("the error of a slope", () => {
  test("is nothing on a line, and what the values' distance from their line makes it elsewhere", () => {
    expect(slopeError([5, 7, 9, 11])).toBe(0);
    // By hand: slope 0.8, so off their line by -0.3, 0.9, -0.9, 0.3: 1.8, over 2, over 5.
    expect(slopeError([1, 3, 2, 4])).toBeCloseTo(Math.sqrt(0.18), 12);
  });

  test("of less than three values is not a number", () => {
    expect(slopeError([3, 4])).toBeNaN();
  });
});

describe("growths", () => {
  const bound = (values: number[], perMinuteMax: number) => [{ column: "fds", values, perMinuteMax }];

  test("names the column that grows by more than it may", () => {
    expect(growths(bound([10, 11, 12, 13, 14], 0.5), 5)).toEqual([
      "fds grows by 1.00 a minute over 5 minutes, at most 0.5",
    ]);
  });

  test("says nothing of what stays within its bound, falls, or only shakes", () => {
    expect(growths(bound([10, 11, 12, 13, 14], 1), 5)).toEqual([]);
    expect(growths(bound([14, 13, 12, 11, 10], 0), 5)).toEqual([]);
    expect(growths(bound([10, 12, 10, 12, 10], 0), 5)).toEqual([]);
    // One look in the middle of something, last of all.
    expect(growths(bound([11, 10, 11, 10, 11, 10, 11, 10, 60], 0.5), 5)).toEqual([]);
  });

  test("finds a growth that shakes", () => {
    expect(growths(bound([10, 14, 13, 18, 17, 22, 20, 26, 24, 29], 0.5), 5)).toHaveLength(1);
  });

  test("says nothing of too few values", () => {
    expect(growths(bound([1, 100], 0.5), 5)).toEqual([]);
  });
});
