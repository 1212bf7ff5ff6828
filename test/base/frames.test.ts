import { expect, test } from "bun:test";
import fc from "fast-check";
import { FrameReader, frame } from "../../src/base/frames.ts";
import { prove } from "../helpers/prove.ts";

const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });

/** `bytes` in pieces that end where `cuts` say. */
function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

function header(size: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, size);
  return bytes;
}

test("any split of the bytes gives the same frames, empty ones too", () => {
  prove(
    fc.property(bodies, fc.array(fc.nat(500), { maxLength: 30 }), (said, cuts) => {
      const reader = new FrameReader(40);
      const stream = Buffer.concat(said.map((body) => frame(body)));
      const read = split(stream, cuts).flatMap((piece) => {
        const got = reader.push(piece);
        if ("refused" in got) throw new Error(got.refused);
        return got;
      });
      expect(read.map((body) => [...body])).toEqual(said.map((body) => [...body]));
      expect(reader.isBetween).toBe(true);
    }),
    3_000,
  );
});

test("bytes that are no frames are read or refused, never thrown at", () => {
  prove(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 20 }), (pieces) => {
      const reader = new FrameReader(64);
      let isRefused = false;
      for (const piece of pieces) {
        const got = reader.push(piece);
        expect(isRefused && !("refused" in got)).toBe(false);
        isRefused = "refused" in got;
        expect("refused" in got || got.every((body) => body.length <= 64)).toBe(true);
      }
    }),
    3_000,
  );
});

test("a frame as long as the limit is read, one byte more is refused, and both lengths are named", () => {
  const body = new Uint8Array(100).fill(7);
  expect(new FrameReader(100).push(frame(body))).toEqual([body]);
  expect(new FrameReader(99).push(frame(body))).toMatchObject({
    refused: "a frame of 100 bytes is longer than the limit of 99",
  });
});

test("a length of 4 GiB is refused on its fourth byte, before memory for it is taken", () => {
  const reader = new FrameReader(1000);
  const before = process.memoryUsage().arrayBuffers;
  expect(reader.push(header(0xffffffff).subarray(0, 3))).toEqual([]);
  expect(reader.push(header(0xffffffff).subarray(3))).toMatchObject({ refused: expect.stringContaining("4294967295") });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});

test("after a refusal nothing is read any more: the boundaries are lost", () => {
  const reader = new FrameReader(4);
  reader.push(header(5));
  expect(reader.push(frame(Uint8Array.of(1)))).toMatchObject({ refused: "the stream was refused before" });
});

test("frames that came whole before a refused one count, however the bytes are split", () => {
  const stream = Buffer.concat([frame(Uint8Array.of(1)), frame(Uint8Array.of(2)), header(5)]);
  expect(new FrameReader(4).push(stream)).toMatchObject({ bodies: [Uint8Array.of(1), Uint8Array.of(2)] });
});

test("half a frame is known to be one, from its first byte to the last but one", () => {
  const reader = new FrameReader(10);
  const bytes = frame(Uint8Array.of(1, 2));
  expect(reader.isBetween).toBe(true);
  for (let at = 0; at < bytes.length - 1; at++) {
    reader.push(bytes.subarray(at, at + 1));
    expect(reader.isBetween).toBe(false);
  }
  reader.push(bytes.subarray(-1));
  expect(reader.isBetween).toBe(true);
});

test("a body is the caller's own: later bytes do not change it", () => {
  const reader = new FrameReader(10);
  const bytes = frame(Uint8Array.of(1, 2));
  const [first] = reader.push(bytes) as Uint8Array[];
  bytes.fill(9);
  reader.push(frame(Uint8Array.of(3, 4)));
  expect(first).toEqual(Uint8Array.of(1, 2));
});
