import { expect, test } from "bun:test";
import fc from "fast-check";
import { Numbers } from "../../src/base/numbers.ts";
import { prove } from "../helpers/prove.ts";

test("a number has one owner at a time, and all can be given out", () => {
  prove(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(99), { maxLength: 200 }), (max, steps) => {
      const numbers = new Numbers(max);
      const taken = new Set<number>();
      for (const step of steps) {
        if (step % 2 === 0) {
          const number = numbers.take();
          expect(number === undefined).toBe(taken.size === max);
          if (number !== undefined) {
            expect(taken.has(number) || number < 0 || number >= max).toBe(false);
            taken.add(number);
          }
        } else {
          const [number] = [...taken].slice(step % Math.max(1, taken.size));
          if (number !== undefined) {
            taken.delete(number);
            numbers.give(number);
          }
        }
      }
    }),
    1_000,
  );
});

test("what was given back last is given out last: a late writer meets no new owner", () => {
  const numbers = new Numbers(3);
  const first = numbers.take();
  numbers.give(first ?? -1);
  expect([numbers.take(), numbers.take(), numbers.take(), numbers.take()]).toEqual([1, 2, 0, undefined]);
});

test("a number that is claimed is given out to nobody else, whether it was free or never given", () => {
  const numbers = new Numbers(6);
  numbers.claim(3);
  const first = numbers.take();
  numbers.claim(1);
  numbers.give(3);
  numbers.claim(3);
  expect([first, numbers.take(), numbers.take(), numbers.take(), numbers.take()]).toEqual([4, 5, 0, 2, undefined]);
});
