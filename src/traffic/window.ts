// Which sequence numbers of one stream have come: what is missing, what came twice, what came late. Bounded memory, no
// allocation per number. Reordered is as RFC 4737 section 3 has it: a number below one that came before.
import { assert } from "../base/assert.ts";

/** Judges the sequence numbers of one stream as they come. */
export class Window {
  /** The lowest and highest number seen; -1 before the first. */
  first = -1;
  highest = -1;
  /** Different numbers seen. */
  distinct = 0;
  duplicated = 0;
  reordered = 0;
  /** The farthest that a number came behind the highest one before it. */
  reorderedByMax = 0;
  /** So far behind that nobody can say whether they were late or seen before; counted nowhere else. */
  unjudged = 0;
  private readonly size: number;
  private readonly bits: Uint32Array;

  /** Judges numbers up to `size` (a power of two, 32 at least) behind the highest. */
  constructor(size: number) {
    assert(size >= 32 && (size & (size - 1)) === 0, "a window's size is a power of two");
    this.size = size;
    this.bits = new Uint32Array(size / 32);
  }

  /** Numbers between the first and the highest that have not come. */
  get lost(): number {
    return this.highest < 0 ? 0 : this.highest - this.first + 1 - this.distinct;
  }

  /** Takes one number, an integer below 2^53. */
  see(sequence: number): void {
    if (sequence > this.highest) {
      this.advance(sequence);
      this.distinct++;
      return;
    }
    const behind = this.highest - sequence;
    if (behind >= this.size) {
      this.unjudged++;
      return;
    }
    if (this.test(sequence)) {
      this.duplicated++;
      return;
    }
    this.set(sequence);
    this.distinct++;
    this.reordered++;
    this.reorderedByMax = Math.max(this.reorderedByMax, behind);
    this.first = Math.min(this.first, sequence);
  }

  private advance(sequence: number): void {
    if (this.highest < 0) {
      this.first = sequence;
    } else if (sequence - this.highest >= this.size) {
      this.bits.fill(0);
    } else {
      // The places of the numbers jumped over still hold those of one window ago.
      for (let skipped = this.highest + 1; skipped < sequence; skipped++) {
        this.clear(skipped);
      }
    }
    this.highest = sequence;
    this.set(sequence);
  }

  private slot(sequence: number): number {
    return (sequence >>> 0) & (this.size - 1);
  }

  private test(sequence: number): boolean {
    const slot = this.slot(sequence);
    return (((this.bits[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 1;
  }

  private set(sequence: number): void {
    const slot = this.slot(sequence);
    this.bits[slot >>> 5] = (this.bits[slot >>> 5] ?? 0) | (1 << (slot & 31));
  }

  private clear(sequence: number): void {
    const slot = this.slot(sequence);
    this.bits[slot >>> 5] = (this.bits[slot >>> 5] ?? 0) & ~(1 << (slot & 31));
  }
}

/** The number nearest to `near` whose low `bytes` bytes are `low`; never negative. */
export function unwrap(low: number, bytes: number, near: number): number {
  const range = 2 ** (8 * bytes);
  const base = near - (near % range) + low;
  if (base - near > range / 2 && base >= range) {
    return base - range;
  }
  return near - base >= range / 2 ? base + range : base;
}
