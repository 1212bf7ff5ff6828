// SipHash-1-3 with the key (0, 0): what Rust's DefaultHasher computes, hence what rule ids of MCR are made of.
// Aumasson and Bernstein, "SipHash: a fast short-input PRF", with one compression and three finalization rounds.
// The four 64-bit words are kept as pairs of 32-bit halves: BigInt would take 30 times as long over a large rule set.

/** Low half, then high half, of v0 to v3. */
type State = Int32Array;

function add(state: State, to: number, from: number): void {
  const low = ((state[to] ?? 0) >>> 0) + ((state[from] ?? 0) >>> 0);
  const carry = low > 0xffffffff ? 1 : 0;
  state[to] = low;
  state[to + 1] = (state[to + 1] ?? 0) + (state[from + 1] ?? 0) + carry;
}

function rotateXor(state: State, word: number, bits: number, other: number): void {
  const low = state[word] ?? 0;
  const high = state[word + 1] ?? 0;
  state[word] = ((low << bits) | (high >>> (32 - bits))) ^ (state[other] ?? 0);
  state[word + 1] = ((high << bits) | (low >>> (32 - bits))) ^ (state[other + 1] ?? 0);
}

function swapHalves(state: State, word: number): void {
  const low = state[word] ?? 0;
  state[word] = state[word + 1] ?? 0;
  state[word + 1] = low;
}

const [v0, v1, v2, v3] = [0, 2, 4, 6] as const;

function round(state: State): void {
  add(state, v0, v1);
  rotateXor(state, v1, 13, v0);
  swapHalves(state, v0);
  add(state, v2, v3);
  rotateXor(state, v3, 16, v2);
  add(state, v0, v3);
  rotateXor(state, v3, 21, v0);
  add(state, v2, v1);
  rotateXor(state, v1, 17, v2);
  swapHalves(state, v2);
}

function compress(state: State, low: number, high: number): void {
  state[v3] = (state[v3] ?? 0) ^ low;
  state[v3 + 1] = (state[v3 + 1] ?? 0) ^ high;
  round(state);
  state[v0] = (state[v0] ?? 0) ^ low;
  state[v0 + 1] = (state[v0 + 1] ?? 0) ^ high;
}

/** The hash of `bytes` as 16 lower-case hex digits (`%016x`). */
export function sipHash13(bytes: Uint8Array): string {
  // "somepseudorandomlygeneratedbytes" of the paper, xored with the zero key.
  const state = new Int32Array([
    0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462,
  ]);
  const wholeSize = bytes.length - (bytes.length % 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let offset = 0; offset < wholeSize; offset += 8) {
    compress(state, view.getInt32(offset, true), view.getInt32(offset + 4, true));
  }
  // The last word: the bytes left over, zeros, and the length modulo 256 on top.
  const last = new Uint8Array(8);
  last.set(bytes.subarray(wholeSize));
  last[7] = bytes.length & 255;
  const lastView = new DataView(last.buffer);
  compress(state, lastView.getInt32(0, true), lastView.getInt32(4, true));
  state[v2] = (state[v2] ?? 0) ^ 0xff;
  round(state);
  round(state);
  round(state);
  const half = (index: 0 | 1) =>
    (((state[v0 + index] ?? 0) ^ (state[v1 + index] ?? 0) ^ (state[v2 + index] ?? 0) ^ (state[v3 + index] ?? 0)) >>> 0)
      .toString(16)
      .padStart(8, "0");
  return half(1) + half(0);
}
