import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOf, fullSizeMin, kinds, PayloadReader, PayloadWriter, type Stamp } from "../../src/traffic/payload.ts";

// Room for one datagram, and the pattern behind it.
const room = 4096;
const bytes = bytesOf(new ArrayBuffer(room + PayloadWriter.patternSize));
const writer = new PayloadWriter(bytes, room, 7);
const reader = new PayloadReader(bytes);

const word = fc.nat(0xffff_ffff);
const stamps: fc.Arbitrary<Stamp> = fc.record({
  run: word,
  flow: fc.nat(0xffff),
  sequence: fc.maxSafeNat(),
  empties: word,
  seconds: word,
  nanoseconds: fc.nat(999_999_999),
});
const someStamp: Stamp = { run: 1, flow: 2, sequence: 3, empties: 4, seconds: 5, nanoseconds: 6 };

describe("a full datagram", () => {
  test("gives back all that was written, to the last bit, at any offset", () => {
    fc.assert(
      fc.property(stamps, fc.integer({ min: fullSizeMin, max: 1472 }), fc.nat(100), (stamp, size, offset) => {
        writer.write(offset, size, stamp);
        expect(reader.read(offset, size)).toBe(kinds.full);
        expect(reader.stamp).toEqual(stamp);
      }),
    );
  });

  test("with any bit turned is corrupt, or foreign when the bit is in the magic", () => {
    fc.assert(
      fc.property(stamps, fc.integer({ min: fullSizeMin, max: 1472 }), fc.nat(), (stamp, size, place) => {
        writer.write(0, size, stamp);
        const bit = place % (size * 8);
        bytes.u8[bit >> 3] = (bytes.u8[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(reader.read(0, size)).toBe(bit < 32 ? kinds.foreign : kinds.corrupt);
      }),
    );
  });

  test("cut short or grown is corrupt", () => {
    writer.write(0, 1000, someStamp);
    expect(reader.read(0, 999)).toBe(kinds.corrupt);
    expect(reader.read(0, 1001)).toBe(kinds.corrupt);
  });

  test("with the body of another is corrupt", () => {
    writer.write(0, 1000, someStamp);
    writer.write(1000, 1000, { ...someStamp, sequence: 4 });
    bytes.u8.copyWithin(500, 1500, 1996);
    expect(reader.read(0, 1000)).toBe(kinds.corrupt);
  });
});

describe("a short datagram", () => {
  test("carries as many low bytes of the sequence as fit, four at most", () => {
    fc.assert(
      fc.property(stamps, fc.integer({ min: 1, max: fullSizeMin - 1 }), (stamp, size) => {
        writer.write(0, size, stamp);
        expect(reader.read(0, size)).toBe(kinds.short);
        expect(reader.stamp.sequence).toBe(stamp.sequence % 256 ** Math.min(size, 4));
      }),
    );
  });

  test("of eight bytes and more with any bit turned is corrupt", () => {
    fc.assert(
      fc.property(stamps, fc.integer({ min: 8, max: fullSizeMin - 1 }), fc.nat(), (stamp, size, place) => {
        writer.write(0, size, stamp);
        const bit = place % (size * 8);
        bytes.u8[bit >> 3] = (bytes.u8[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(reader.read(0, size)).toBe(kinds.corrupt);
      }),
    );
  });

  test("of five bytes has one byte of check, and a turned check is corrupt", () => {
    writer.write(0, 5, someStamp);
    bytes.u8[4] = (bytes.u8[4] ?? 0) ^ 1;
    expect(reader.read(0, 5)).toBe(kinds.corrupt);
  });
});

test("a datagram of no bytes is empty, and writing one touches nothing", () => {
  bytes.u8.fill(0x5a, 0, 8);
  writer.write(0, 0, someStamp);
  expect(bytes.u8.subarray(0, 8)).toEqual(new Uint8Array(8).fill(0x5a));
  expect(reader.read(0, 0)).toBe(kinds.empty);
});

test("whatever comes is judged, and nothing random passes for a full datagram", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1500, size: "max" }), (noise) => {
      bytes.u8.set(noise);
      expect(reader.read(0, noise.length)).not.toBe(kinds.full);
    }),
  );
});
