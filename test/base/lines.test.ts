import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Line, LineReader } from "../../src/base/lines.ts";
import { prove } from "../helpers/prove.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function push(reader: LineReader, bytes: Uint8Array, wants = () => true): Line[] {
  const lines: Line[] = [];
  reader.push(bytes, wants, (line) => lines.push(line));
  return lines;
}

function readAll(reader: LineReader, pieces: readonly Uint8Array[]): Line[] {
  const lines = pieces.flatMap((piece) => push(reader, piece));
  const rest = reader.rest();
  return rest === undefined ? lines : [...lines, rest];
}

test("any split of the bytes gives the same lines, none longer than the bound", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(bytesOf("\n"), bytesOf("a\n\nb"), bytesOf("é")),
  );
  prove(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 12 }), (pieces, sizeMax) => {
      const whole = Buffer.concat(pieces);
      const lines = readAll(new LineReader(sizeMax), pieces);
      expect(lines).toEqual(readAll(new LineReader(sizeMax), [whole]));
      // The same, told from the end: split, then cut.
      const parts = whole.toString("latin1").split("\n");
      const last = parts.pop() ?? "";
      const expected = [...parts, ...(last === "" ? [] : [last])].map((part) => ({
        text: new TextDecoder().decode(Buffer.from(part.slice(0, sizeMax), "latin1")),
        isCut: part.length > sizeMax,
      }));
      expect(lines).toEqual(expected);
    }),
    3_000,
  );
});

test("a line beyond the bound costs no more memory than the bound, and the next one is whole", () => {
  const reader = new LineReader(10);
  const noise = new Uint8Array(1_000_000).fill(0x78);
  for (let at = 0; at < 50; at++) expect(push(reader, noise)).toEqual([]);
  expect(push(reader, bytesOf("\nnext\n"))).toEqual([
    { text: "xxxxxxxxxx", isCut: true },
    { text: "next", isCut: false },
  ]);
});

test("a line is kept when the buffer it came in is used again", () => {
  const reader = new LineReader(10);
  const buffer = bytesOf("abc");
  push(reader, buffer);
  buffer.fill(0x7a);
  expect(push(reader, bytesOf("\n"))).toEqual([{ text: "abc", isCut: false }]);
});

test("a stream that ends with a line's end has no rest", () => {
  const reader = new LineReader(10);
  push(reader, bytesOf("a\n"));
  expect(reader.rest()).toBeUndefined();
  push(reader, bytesOf("half"));
  expect(reader.rest()).toEqual({ text: "half", isCut: false });
  expect(reader.rest()).toBeUndefined();
});

test("a line that is not wanted is skipped whole, also when it came in pieces or was cut", () => {
  const reader = new LineReader(4);
  push(reader, bytesOf("unwanted li"));
  let asked = 0;
  const wants = () => asked++ >= 2;
  expect(push(reader, bytesOf("ne\nb\nc\nd\n"), wants)).toEqual([
    { text: "c", isCut: false },
    { text: "d", isCut: false },
  ]);
  expect(asked).toBe(4);
});

test("the first bytes of a line are shown before it is read, however it was split", () => {
  const whole = bytesOf(`${"a".repeat(100)}\nbc\n\n`);
  for (let cut = 0; cut <= whole.length; cut++) {
    const reader = new LineReader(200);
    const heads: string[] = [];
    const wants = (head: Uint8Array) => heads.push(new TextDecoder().decode(head)) > 0;
    for (const part of [whole.subarray(0, cut), whole.subarray(cut)]) reader.push(part, wants, () => undefined);
    expect(heads).toEqual(["a".repeat(64), "bc", ""]);
  }
});
