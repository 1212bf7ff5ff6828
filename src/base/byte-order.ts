// Network order and this machine's, which is little-endian wherever Bun runs.

/** The four bytes of `word` in the opposite order, unsigned. Its own inverse. */
export function swap(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** The two bytes of a 16-bit field in the opposite order. Its own inverse. */
export function swap16(field: number): number {
  return ((field & 0xff) << 8) | (field >> 8);
}
