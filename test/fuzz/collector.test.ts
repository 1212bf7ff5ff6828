// Whatever a dying worker, a library or an attacker writes into the log's pipe: the collector never throws, no line gets
// lost, and what comes after rubbish is read as if there had been none. A failure prints its seed and the smallest input.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../../src/limits.ts";
import { type Collected, Collector } from "../../src/log/collector.ts";
import { layouts } from "../../src/log/layout.ts";
import { Repeats } from "../../src/log/repeats.ts";

const newline = 10;
const encoder = new TextEncoder();

const goodRecord = fc.record({
  timestamp: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString()),
  level: fc.constantFrom("Critical", "Error", "Info", "Trace"),
  facility: fc.constantFrom("Ingress", "Egress", "Unknown"),
  message: fc.string({ unit: "binary", maxLength: 80 }),
});
const goodLine = goodRecord.map((record) => ({ good: record, bytes: encoder.encode(JSON.stringify(record)) }));

const withoutEnds = (bytes: Uint8Array) => bytes.filter((byte) => byte !== newline);
const rubbish = fc
  .oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => encoder.encode(text)),
    goodRecord.map((record) => encoder.encode(JSON.stringify(record)).subarray(0, 40)),
    goodRecord.map((record) => encoder.encode(JSON.stringify({ ...record, level: "Loud" }))),
    // Around the bound, and far above it.
    fc
      .oneof(fc.integer({ min: -2, max: 2 }), fc.integer({ min: 0, max: 100_000 }))
      .map((over) => new Uint8Array(limits.logLineSizeMax + over).fill(0x78)),
  )
  .map((bytes) => ({ good: undefined, bytes: withoutEnds(bytes) }));

const stream = fc.record({
  lines: fc.array(fc.oneof(goodLine, rubbish), { maxLength: 30 }),
  // Whether the last line has its end: a crash leaves half of one.
  isWhole: fc.boolean(),
  cuts: fc.array(fc.nat(), { maxLength: 20 }),
});

type Line = { good: { message: string } | undefined; bytes: Uint8Array };

/** The lines as one stream of bytes, cut into pieces. */
function pieces(lines: readonly Line[], isWhole: boolean, cuts: readonly number[]): Uint8Array[] {
  const all = Buffer.concat(lines.flatMap(({ bytes }) => [bytes, Uint8Array.of(newline)]));
  const whole = isWhole || all.length === 0 ? all : all.subarray(0, -1);
  const places = [...new Set([0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => whole.subarray(places[index] ?? 0, end));
}

function collect(parts: readonly Uint8Array[]): Collected[] {
  const lines: Collected[] = [];
  const collector = new Collector({
    take: (line) => lines.push(line),
    flooded: (count) => expect(count).toBe(0),
    nowMs: () => 0,
  });
  for (const part of parts) collector.push(part);
  collector.end();
  return lines;
}

const isEmpty = ({ bytes }: Line) => bytes.length === 0;
// A byte order mark alone is no text.
const isBare = ({ bytes }: Line) => new TextDecoder().decode(bytes) === "";

describe("the collector", () => {
  test("gives every line once and in order, and good ones as they were, between any rubbish and in any pieces", () => {
    fc.assert(
      fc.property(stream, ({ lines, isWhole, cuts }) => {
        const collected = collect(pieces(lines, isWhole, cuts));
        const expected = lines.filter((line) => !isEmpty(line) && !isBare(line));
        expect(collected).toHaveLength(expected.length);
        for (const [index, line] of expected.entries()) {
          const found = collected[index];
          if (line.good !== undefined) expect(found as unknown).toEqual(line.good);
          // Something of what stood there is left, and never more than the bound and a note.
          else expect((found?.message.length ?? 0) > 0).toBe(true);
          expect((found?.message.length ?? 0) <= limits.logLineSizeMax + 40).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("hands on nothing that a layout cannot print in one line", () => {
    fc.assert(
      fc.property(stream, ({ lines, isWhole, cuts }) => {
        for (const line of collect(pieces(lines, isWhole, cuts))) {
          const entry = { ...line, origin: { worker: 0, pid: 1 } };
          for (const layout of [layouts.text, layouts.json, layouts.journal]) {
            const text = layout(entry);
            expect(text.indexOf("\n")).toBe(text.length - 1);
            expect(text.slice(0, -1)).not.toMatch(/\p{Cc}/u);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("survives bytes that are nothing at all", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 500 })), (parts) => {
        const ends = Buffer.concat(parts).filter((byte) => byte === newline).length;
        expect(collect(parts).length).toBeLessThanOrEqual(ends + 1);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("this fuzz", () => {
  test("finds a collector that loses the line after an oversized one", () => {
    const forgetful = (parts: readonly Uint8Array[]) =>
      collect(parts).filter((_, index, all) => !all[index - 1]?.message.includes("(cut at"));
    const property = fc.property(stream, ({ lines, cuts }) => {
      const expected = lines.filter((line) => !isEmpty(line) && !isBare(line));
      return forgetful(pieces(lines, true, cuts)).length === expected.length;
    });
    expect(fc.check(property, { numRuns: 1000, seed: 1 }).failed).toBe(true);
  });
});

test("repeated lines: shown and summarized ones together are all there were", () => {
  const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.nat({ max: 3000 })), { maxLength: 2000 });
  fc.assert(
    fc.property(arrivals, (steps) => {
      let counted = 0;
      const shown = new Map<string, number>();
      const repeats = new Repeats<{ key: string }>(({ key }, count) => {
        counted += count - limits.logRepeatsShown;
        expect(shown.get(key)).toBeGreaterThanOrEqual(limits.logRepeatsShown);
      });
      let nowMs = 0;
      for (const [name, stepMs] of steps) {
        nowMs += stepMs;
        const key = String(name % 3 === 0 ? 0 : name);
        if (repeats.shows({ key }, nowMs)) shown.set(key, (shown.get(key) ?? 0) + 1);
      }
      repeats.end(nowMs);
      expect([...shown.values()].reduce((sum, each) => sum + each, 0) + counted).toBe(steps.length);
    }),
    { numRuns: 200 },
  );
});
