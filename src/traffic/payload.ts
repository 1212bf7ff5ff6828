// What a datagram of the generator carries, and how the receiver reads it. All numbers are big-endian.
//
//   full, 36 bytes and more        short, 1 to 35 bytes                 empty
//    0  magic        "MCR", 1      0  sequence, the low bytes:          nothing: the header of the next
//    4  run          drawn anew       as many as fit, at most 4         full datagram of the flow says how
//    8  flow, flags  2 + 2         4  pattern                           many empty ones went before it
//   12  sequence     8             n-4  check: with 8 bytes or more
//   20  seconds      4                  all of it, with 5 to 7 its
//   24  nanoseconds  4                  low 1 to 3 bytes
//   28  empties      4
//   32  pattern
//  n-4  check        XXH32 of all before it
//
// The sequence counts all datagrams of a flow but the empty ones. The time is CLOCK_REALTIME just before the send, when
// flag 1 is set. So a receiver verifies: of full datagrams everything; of short ones loss, order, duplicates (within half the
// range of the bytes that fit: 127 datagrams for size 1) and, from 5 bytes on, damage; of empty ones their number.
import { check } from "./check.ts";
import { Random } from "./random.ts";

export const magic = 0x4d435201;
export const headerSize = 32;
const checkSizeMax = 4;
/** From this size on a datagram carries the whole header and a check. */
export const fullSizeMin = headerSize + checkSizeMax;
const sequenceBytesMax = 4;

/** The time of sending is CLOCK_REALTIME. */
export const flagRealTime = 1;

const at = { run: 4, flow: 8, flags: 10, sequenceHigh: 12, sequenceLow: 16, seconds: 20, nanoseconds: 24, empties: 28 };
const wordRange = 0x1_0000_0000;

/** Memory as both views see it; a Mapped of the shim gives one, an ArrayBuffer another. */
export type Bytes = { u8: Uint8Array; view: DataView };

/** Both views of one buffer. */
export function bytesOf(buffer: ArrayBufferLike): Bytes {
  return { u8: new Uint8Array(buffer), view: new DataView(buffer) };
}

/** What one datagram says. Reused: neither loop allocates. */
export type Stamp = {
  /** Unsigned 32 bits, one number for all datagrams of one run of the generator. */
  run: number;
  /** 0 to 65,535. */
  flow: number;
  /** Exact to 2^53; a short datagram holds its low bytes. */
  sequence: number;
  /** Empty datagrams of the flow sent before this one, modulo 2^32. */
  empties: number;
  seconds: number;
  nanoseconds: number;
};

/** A stamp to be filled. */
export function newStamp(): Stamp {
  return { run: 0, flow: 0, sequence: 0, empties: 0, seconds: 0, nanoseconds: 0 };
}

/** How many bytes of the check a datagram of `size` bytes ends with. */
function checkBytes(size: number): number {
  return Math.min(Math.max(size - sequenceBytesMax, 0), checkSizeMax);
}

/** How many low bytes of the sequence a short datagram carries. */
export function sequenceBytes(size: number): number {
  return Math.min(size, sequenceBytesMax);
}

const patternStarts = 65_536;

/** Writes datagrams into memory whose bytes from `patternAt` on, `patternSize` of them, belong to the pattern. */
export class PayloadWriter {
  static readonly patternSize = patternStarts + 65_536;
  private readonly bytes: Bytes;
  private readonly patternAt: number;

  constructor(bytes: Bytes, patternAt: number, seed: number) {
    this.bytes = bytes;
    this.patternAt = patternAt;
    const random = new Random(seed);
    for (let offset = 0; offset < PayloadWriter.patternSize; offset++) {
      bytes.u8[patternAt + offset] = random.next();
    }
  }

  /** Makes the datagram of `size` bytes at `start`. */
  write(start: number, size: number, stamp: Stamp): void {
    if (size >= fullSizeMin) {
      this.writeHeader(start, stamp);
      this.writePattern(start + headerSize, start + size - checkSizeMax, stamp.sequence);
    } else {
      this.writeLow(start, sequenceBytes(size), stamp.sequence);
      this.writePattern(start + sequenceBytesMax, start + size - checkBytes(size), stamp.sequence);
    }
    const covered = size - checkBytes(size);
    this.writeLow(start + covered, checkBytes(size), check(this.bytes.view, start, covered));
  }

  private writeHeader(start: number, stamp: Stamp): void {
    const { view } = this.bytes;
    view.setUint32(start, magic);
    view.setUint32(start + at.run, stamp.run);
    view.setUint16(start + at.flow, stamp.flow);
    view.setUint16(start + at.flags, flagRealTime);
    view.setUint32(start + at.sequenceHigh, Math.floor(stamp.sequence / wordRange));
    view.setUint32(start + at.sequenceLow, stamp.sequence >>> 0);
    view.setUint32(start + at.seconds, stamp.seconds);
    view.setUint32(start + at.nanoseconds, stamp.nanoseconds);
    view.setUint32(start + at.empties, stamp.empties);
  }

  /** Another stretch of the pattern each time, so that parts of two datagrams do not pass for one. */
  private writePattern(from: number, to: number, sequence: number): void {
    if (to > from) {
      const start = this.patternAt + (Math.imul(sequence >>> 0, 40_503) & (patternStarts - 1));
      this.bytes.u8.copyWithin(from, start, start + to - from);
    }
  }

  private writeLow(start: number, count: number, value: number): void {
    for (let index = 0; index < count; index++) {
      this.bytes.u8[start + index] = value >>> (8 * (count - 1 - index));
    }
  }
}

/** What a datagram turned out to be. */
export const kinds = { full: 0, short: 1, empty: 2, foreign: 3, corrupt: 4 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

/** Reads datagrams; what it read stands in `stamp` until the next one. */
export class PayloadReader {
  readonly stamp: Stamp = newStamp();
  private readonly bytes: Bytes;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** Judges `size` bytes at `start`. Of a short datagram `stamp.sequence` holds the low bytes, the rest is old. */
  read(start: number, size: number): Kind {
    if (size === 0) {
      return kinds.empty;
    }
    const isFull = size >= fullSizeMin;
    if (isFull && this.bytes.view.getUint32(start) !== magic) {
      return kinds.foreign;
    }
    const covered = size - checkBytes(size);
    if (!this.isIntact(start, covered, size - covered)) {
      return kinds.corrupt;
    }
    if (isFull) {
      this.readHeader(start);
      return kinds.full;
    }
    this.stamp.sequence = this.low(start, sequenceBytes(size));
    return kinds.short;
  }

  private isIntact(start: number, covered: number, checked: number): boolean {
    if (checked === 0) {
      return true;
    }
    const kept = checked === checkSizeMax ? 0xffff_ffff : 2 ** (8 * checked) - 1;
    return (check(this.bytes.view, start, covered) & kept) >>> 0 === this.low(start + covered, checked);
  }

  private readHeader(start: number): void {
    const { view } = this.bytes;
    const { stamp } = this;
    stamp.run = view.getUint32(start + at.run);
    stamp.flow = view.getUint16(start + at.flow);
    stamp.sequence = view.getUint32(start + at.sequenceHigh) * wordRange + view.getUint32(start + at.sequenceLow);
    stamp.seconds = view.getUint32(start + at.seconds);
    stamp.nanoseconds = view.getUint32(start + at.nanoseconds);
    stamp.empties = view.getUint32(start + at.empties);
  }

  private low(start: number, count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++) {
      value = value * 256 + (this.bytes.u8[start + index] ?? 0);
    }
    return value;
  }
}
