import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CommandReader } from "../../src/control/reader.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

const plain = (sizeMax: number) => ({ plainMax: sizeMax, largeMax: sizeMax, isLarge: () => false });

/** Feeds the chunks as they would arrive; returns the commands, or "oversize" where reading ended. */
function read(chunks: Uint8Array[], sizeMax: number, isEnded = true): string[] {
  const reader = new CommandReader(plain(sizeMax));
  const commands: string[] = [];
  const drain = (): boolean => {
    for (;;) {
      const taken = reader.take();
      if (taken.kind === "none") return true;
      if (taken.kind === "oversize") {
        commands.push("oversize");
        return false;
      }
      commands.push((taken.byNewline ? "" : "eof:") + text(taken.bytes));
    }
  };
  for (const chunk of chunks) {
    reader.push(chunk);
    if (!drain()) return commands;
  }
  if (isEnded) reader.end();
  drain();
  return commands;
}

function split(bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const points = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...points].map((from, index) => bytes.slice(from, points[index] ?? bytes.length));
}

describe("the command reader", () => {
  test("a newline or the end completes a command, blank lines are nothing", () => {
    expect(read([Buffer.from('"A"\n\r\n  \n"B"\r\n"C"')], 100)).toEqual(['"A"', '"B"\r', 'eof:"C"']);
  });

  test("half a command is none until the rest comes", () => {
    expect(read([Buffer.from('"Pi'), Buffer.from('ng"')], 100, false)).toEqual([]);
  });

  test("the same bytes give the same commands however they are split", () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((raw) => raw.map((byte) => (byte % 5 === 0 ? 10 : byte)));
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(200)), (stream, cuts) => {
        expect(read(split(stream, cuts), 1000)).toEqual(read([stream], 1000));
      }),
      { numRuns: 500 },
    );
  });

  test("nothing beyond the bound is ever handed on, and what is held stays within bound and chunk", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
        for (const command of read(chunks, 30)) expect(command.length).toBeLessThanOrEqual(30 + "eof:".length);
      }),
    );
    expect(read([Buffer.alloc(31, 65)], 30)).toEqual(["oversize"]);
    expect(read([Buffer.alloc(30, 65)], 30)).toEqual([`eof:${"A".repeat(30)}`]);
    expect(read([Buffer.from(`${"A".repeat(31)}\n"B"\n`)], 30)).toEqual(["oversize"]);
  });

  test("counts what it holds", () => {
    const reader = new CommandReader(plain(100));
    reader.push(Buffer.from('"A"\n"B'));
    expect(reader.size).toBe(6);
    reader.take();
    expect(reader.size).toBe(2);
    reader.end();
    reader.take();
    expect([reader.size, reader.isDone]).toEqual([0, true]);
  });
});

test("a stream of single bytes is put together: it costs few objects, and what was handed out stays as it was", () => {
  const reader = new CommandReader(plain(10_000));
  const bytes = Buffer.from(`${"abcdefg".repeat(1000)}\n${"x".repeat(50)}\nrest`);
  const taken: string[] = [];
  const held: Uint8Array[] = [];
  for (const byte of bytes) {
    reader.push(Uint8Array.of(byte));
    const next = reader.take();
    if (next.kind === "command") {
      taken.push(text(next.bytes));
      held.push(next.bytes);
    }
  }
  expect(taken).toEqual(["abcdefg".repeat(1000), "x".repeat(50)]);
  expect(held.map(text)).toEqual(taken);
  expect(reader.size).toBe(4);
});

test("a command may be larger when its beginning says so, however it is cut", () => {
  const sizes = { plainMax: 100, largeMax: 1_000, isLarge: (beginning: string) => beginning.startsWith("large") };
  const feed = (command: string, step: number) => {
    const reader = new CommandReader(sizes);
    const bytes = Buffer.from(`${command}\n`);
    for (let from = 0; from < bytes.length; from += step) {
      reader.push(bytes.subarray(from, from + step));
      const taken = reader.take();
      if (taken.kind !== "none") return taken.kind === "oversize" ? taken.sizeMax : taken.bytes.length;
    }
    return "nothing";
  };
  for (const step of [1, 7, 200, 5_000]) {
    expect(feed(`large${"x".repeat(995)}`, step)).toBe(1_000);
    expect(feed(`large${"x".repeat(996)}`, step)).toBe(1_000);
    expect(feed("x".repeat(100), step)).toBe(100);
    expect(feed("x".repeat(101), step)).toBe(100);
  }
});
