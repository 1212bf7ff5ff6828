import { expect, test } from "bun:test";
import { ordersPerCollection as each, ordersPerFullCollection as full, Garbage } from "../../src/worker/garbage.ts";

function collectionsOf(counts: readonly number[]): boolean[] {
  const collections: boolean[] = [];
  const garbage = new Garbage((isAtOnce) => collections.push(isAtOnce));
  for (const count of counts) garbage.note(count);
  return collections;
}

test("orders are collected after so many, however they come", () => {
  expect(collectionsOf([each - 1])).toEqual([]);
  expect(collectionsOf([each - 1, 1])).toEqual([false]);
  expect(collectionsOf([each * 3])).toEqual([false]);
  expect(collectionsOf(Array.from({ length: each * 3 }, () => 1))).toEqual([false, false, false]);
});

test("now and then all of the garbage, what is old too", () => {
  expect(collectionsOf([full - 1, 1])).toEqual([false, true]);
  expect(collectionsOf(Array.from({ length: full * 2 }, () => 1)).filter((isAtOnce) => isAtOnce)).toHaveLength(2);
});
