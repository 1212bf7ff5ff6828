import { expect, test } from "bun:test";
import fc from "fast-check";
import { highWord, lowWord } from "../../src/shim/address.ts";
import { prove } from "../helpers/prove.ts";

const half = 2 ** 32;
const edges = [0, 1, 2 ** 31 - 1, 2 ** 31, half - 1, half, half + 2 ** 31, 2 ** 47 - 1].map((address) =>
  fc.constant(address),
);

test("both words of any address of user space are its bits, in typed arrays of either sign", () => {
  prove(
    fc.property(fc.oneof(...edges, fc.integer({ min: 0, max: 2 ** 47 - 1 })), (address) => {
      const stored = new Uint32Array([lowWord(address), highWord(address)]);
      const signed = new Int32Array([lowWord(address), highWord(address)]);
      expect((stored[1] as number) * half + (stored[0] as number)).toBe(address);
      expect([...new Uint32Array(signed.buffer)]).toEqual([...stored]);
    }),
    1_000,
  );
});
