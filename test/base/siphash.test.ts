import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { sipHash13 } from "../../src/base/siphash.ts";

const mask = 0xffffffffffffffffn;

/** The paper, word by word, in BigInt: slow and obvious. */
function reference(bytes: Uint8Array): string {
  let [a, b, c, d] = [0x736f6d6570736575n, 0x646f72616e646f6dn, 0x6c7967656e657261n, 0x7465646279746573n];
  const rotate = (value: bigint, by: bigint) => ((value << by) | (value >> (64n - by))) & mask;
  const round = () => {
    a = (a + b) & mask;
    b = rotate(b, 13n) ^ a;
    a = rotate(a, 32n);
    c = (c + d) & mask;
    d = rotate(d, 16n) ^ c;
    a = (a + d) & mask;
    d = rotate(d, 21n) ^ a;
    c = (c + b) & mask;
    b = rotate(b, 17n) ^ c;
    c = rotate(c, 32n);
  };
  const padded = Buffer.alloc(Math.floor(bytes.length / 8) * 8 + 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 255;
  for (let offset = 0; offset < padded.length; offset += 8) {
    const word = padded.readBigUInt64LE(offset);
    d ^= word;
    round();
    a ^= word;
  }
  c ^= 0xffn;
  round();
  round();
  round();
  return (a ^ b ^ c ^ d).toString(16).padStart(16, "0");
}

describe("siphash", () => {
  test("nothing at all hashes as in Rust (the empty rule set of INTEROP.md 4.1)", () => {
    expect(sipHash13(new Uint8Array())).toBe("d1fba762150c532c");
  });

  test("agrees with the paper on any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => sipHash13(bytes) === reference(bytes)));
  });

  test("hashes a view into a larger buffer by its own bytes", () => {
    const large = Uint8Array.from({ length: 64 }, (_, index) => index);
    expect(sipHash13(large.subarray(5, 26))).toBe(sipHash13(large.slice(5, 26)));
  });
});
