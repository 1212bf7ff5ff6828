// Masks of prefixes for words as a little-endian load sees them: the first bits of an address are the last byte's.
import { swap } from "../base/byte-order.ts";

/** What the first `bits` bits of an address are in such a word; a signed number, as bitwise operators make them. */
export function maskWord(bits: number): number {
  return bits === 0 ? 0 : swap((0xffff_ffff << (32 - bits)) >>> 0) | 0;
}
