import { expect, test } from "bun:test";
import { swap } from "../../src/base/byte-order.ts";

test("bytes change their order, the result is never negative, and twice is none", () => {
  expect(swap(0xef010203)).toBe(0x030201ef);
  expect(swap(0x000000ff)).toBe(0xff000000);
  expect(swap(swap(0x12345678))).toBe(0x12345678);
});
