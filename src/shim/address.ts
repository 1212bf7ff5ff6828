// An address, which travels as a double (cshim/abi.h), as the two 32-bit words that C reads. For each piece of each send: `%` of
// doubles is a call into libm, and so is the conversion of one above 2^31 to an integer.

const half = 0x1_0000_0000;
const least = -0x8000_0000;

/** Bits 32 and above; an address of user space has 47. */
export function highWord(address: number): number {
  return (address / half) | 0;
}

/** The lower 32 bits; above 2^31 as the negative number with the same bits, which typed arrays of either sign store alike. */
export function lowWord(address: number): number {
  return ((address - highWord(address) * half + least) | 0) ^ least;
}
