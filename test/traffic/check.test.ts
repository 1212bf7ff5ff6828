import { expect, test } from "bun:test";
import fc from "fast-check";
import { check } from "../../src/traffic/check.ts";

test("the check is XXH32, at any offset and size", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000, size: "max" }), fc.nat(40), (bytes, offset) => {
      const around = new Uint8Array(offset + bytes.length + 8).fill(0xa5);
      around.set(bytes, offset);
      expect(check(new DataView(around.buffer), offset, bytes.length)).toBe(Bun.hash.xxHash32(bytes, 0));
    }),
    { examples: [[new Uint8Array(0), 0]] },
  );
});

test("the check of nothing is what its specification says", () => {
  expect(check(new DataView(new ArrayBuffer(0)), 0, 0)).toBe(0x02cc5d05);
});
