import { expect, test } from "bun:test";
import {
  calmSize as calm,
  sizePerCollection as each,
  sizeOfFlood as flood,
  sizePerFullCollection as full,
  Garbage,
} from "../../src/worker/garbage.ts";

function collectionsOf(sizes: readonly number[]): boolean[] {
  const collections: boolean[] = [];
  const garbage = new Garbage((isAtOnce) => collections.push(isAtOnce));
  for (const size of sizes) garbage.note(size);
  return collections;
}

const times = (count: number, size: number) => Array.from({ length: count }, () => size);

test("orders one by one are collected after so many bytes, beside the program", () => {
  expect(collectionsOf(times(each / calm, calm))).toEqual([]);
  expect(collectionsOf(times(each / calm + 1, calm))).toEqual([false]);
  expect(collectionsOf(times((3 * each) / calm + 1, calm))).toEqual([false, false, false]);
});

test("orders are collected when they have been carried out: with those that come next", () => {
  expect(collectionsOf([each])).toEqual([]);
  expect(collectionsOf([each, 1])).toEqual([false]);
  expect(collectionsOf([each, 1, 1])).toEqual([false]);
});

test("a flood is collected once, all of it, when it is over", () => {
  const orders = times(flood / (2 * calm), 2 * calm);
  expect(collectionsOf(orders)).toEqual([]);
  expect(collectionsOf([...orders, 1, 1])).toEqual([true]);
});

test("a flood that does not end is collected all the same, and so is what is old", () => {
  expect(collectionsOf(times(4, full))).toEqual([true, true, true]);
  const collections = collectionsOf(times((2 * full) / calm + 2, calm));
  expect(collections.filter((isAtOnce) => isAtOnce)).toHaveLength(2);
});
