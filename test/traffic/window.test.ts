import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { unwrap, Window } from "../../src/traffic/window.ts";

const size = 64;

/** What a window should say, found the slow way: with everything remembered. */
function reference(numbers: readonly number[]) {
  const seen = new Set<number>();
  const counts = { duplicated: 0, reordered: 0, reorderedByMax: 0, unjudged: 0 };
  for (const number of numbers) {
    const highest = Math.max(-1, ...seen);
    if (highest - number >= size) {
      counts.unjudged++;
    } else if (seen.has(number)) {
      counts.duplicated++;
    } else {
      if (number < highest) {
        counts.reordered++;
        counts.reorderedByMax = Math.max(counts.reorderedByMax, highest - number);
      }
      seen.add(number);
    }
  }
  const first = seen.size === 0 ? -1 : Math.min(...seen);
  const highest = Math.max(-1, ...seen);
  const lost = seen.size === 0 ? 0 : highest - first + 1 - seen.size;
  return { ...counts, first, highest, distinct: seen.size, lost };
}

function verdict(numbers: readonly number[]) {
  const window = new Window(size);
  for (const number of numbers) {
    window.see(number);
  }
  const { duplicated, reordered, reorderedByMax, unjudged, first, highest, distinct, lost } = window;
  return { duplicated, reordered, reorderedByMax, unjudged, first, highest, distinct, lost };
}

describe("a window", () => {
  test("agrees with remembering everything, for any numbers around its size", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4 * size), { maxLength: 300, size: "max" }), (numbers) => {
        expect(verdict(numbers)).toEqual(reference(numbers));
      }),
      { numRuns: 500 },
    );
  });

  test("agrees with it for a stream with gaps, repeats and shuffled neighbours, beyond 2^32", () => {
    const step = fc.record({ skip: fc.nat(3), repeats: fc.nat(1), swap: fc.boolean() });
    const starts = fc.constantFrom(0, 2 ** 32 - 100, 2 ** 45 + 7);
    fc.assert(
      fc.property(starts, fc.array(step, { maxLength: 300, size: "max" }), (start, steps) => {
        const numbers: number[] = [];
        let next = start;
        for (const { skip, repeats, swap } of steps) {
          next += 1 + skip;
          numbers.push(next, ...Array<number>(repeats).fill(next));
          const [last, before] = [numbers.at(-1), numbers.at(-2)];
          if (swap && last !== undefined && before !== undefined) {
            numbers.splice(-2, 2, last, before);
          }
        }
        expect(verdict(numbers)).toEqual(reference(numbers));
      }),
    );
  });

  test("finds nothing wrong with numbers in order", () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    expect(verdict(numbers)).toMatchObject({ distinct: 1000, lost: 0, duplicated: 0, reordered: 0, unjudged: 0 });
  });

  test("does not judge what is a window behind, and judges what is one less", () => {
    expect(verdict([size, 0])).toMatchObject({ unjudged: 1, reordered: 0 });
    expect(verdict([size, 1])).toMatchObject({ unjudged: 0, reordered: 1, reorderedByMax: size - 1 });
  });
});

describe("low bytes", () => {
  test("become the number they were taken from, when it is less than half their range away", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(2 ** 40), fc.nat(), (bytes, near, distance) => {
        const range = 256 ** bytes;
        const number = Math.max(0, near + (distance % (range - 1)) - (range / 2 - 1));
        expect(unwrap(number % range, bytes, near)).toBe(number);
      }),
    );
  });
});
