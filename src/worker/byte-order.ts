// Addresses as the packet's path compares them: a little-endian load of what stands in the frame in network order.

/** The four bytes of `word` in the opposite order, unsigned. Its own inverse. */
export function swap(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
