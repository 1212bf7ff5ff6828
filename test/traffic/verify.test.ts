import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOf, kinds, PayloadReader, PayloadWriter } from "../../src/traffic/payload.ts";
import { isComplete, missing, sum, Verifier } from "../../src/traffic/verify.ts";

type Datagram = { size: number; run?: number; flow?: number; sequence: number; empties: number };

const room = 2048;
const bytes = bytesOf(new ArrayBuffer(room + PayloadWriter.patternSize));
const writer = new PayloadWriter(bytes, room, 1);
const reader = new PayloadReader(bytes);

/** What the generator would send: sizes in turn, numbered as it numbers them. */
function stream(sizes: readonly number[], run = 1): Datagram[] {
  let sequence = 0;
  let empties = 0;
  return sizes.map((size) => {
    const before = { size, run, sequence, empties };
    if (size === 0) {
      empties++;
    } else {
      sequence++;
    }
    return before;
  });
}

function deliver(verifier: Verifier, datagrams: readonly Datagram[]): void {
  for (const { size, run = 1, flow = 0, sequence, empties } of datagrams) {
    writer.write(0, size, { run, flow, sequence, empties, seconds: 100, nanoseconds: 999_999_000 });
    verifier.take(reader.read(0, size), reader.stamp, size, 101, 500);
  }
}

function judged(datagrams: readonly Datagram[]) {
  const verifier = new Verifier();
  deliver(verifier, datagrams);
  return verifier.totals();
}

const anySizes = fc.array(fc.oneof(fc.nat(40), fc.nat(1472)), { minLength: 1, maxLength: 100, size: "max" });

describe("a stream of any sizes", () => {
  test("is complete when all came in order", () => {
    fc.assert(
      fc.property(anySizes, (sizes) => {
        const totals = judged(stream(sizes));
        expect(isComplete(totals, sizes.length)).toBe(true);
        expect(totals).toMatchObject({ received: sizes.length, distinct: sizes.length, lost: 0, reordered: 0 });
      }),
    );
  });

  test("without one datagram is not complete when told how many to expect, and one is missing", () => {
    fc.assert(
      fc.property(anySizes, fc.nat(), (sizes, which) => {
        const totals = judged(stream(sizes).toSpliced(which % sizes.length, 1));
        expect(missing(totals, sizes.length)).toBe(1);
        expect(isComplete(totals, sizes.length)).toBe(false);
      }),
    );
  });

  test("with one datagram twice is not complete", () => {
    fc.assert(
      fc.property(anySizes, fc.nat(), (sizes, which) => {
        const sent = stream(sizes);
        const twice = sent[which % sizes.length];
        const totals = judged(twice === undefined ? [] : sent.toSpliced(which % sizes.length, 0, twice));
        expect(isComplete(totals, sizes.length)).toBe(false);
      }),
    );
  });
});

test("a lost empty datagram shows in the next full one", () => {
  const [, ...rest] = stream([0, 0, 100, 100]);
  expect(judged(rest)).toMatchObject({ lost: 1, empty: 1 });
});

test("short datagrams before the first full one are of its stream", () => {
  expect(judged(stream([4, 4, 100, 4, 100]))).toMatchObject({ lost: 0, duplicated: 0, streams: 1, first: 0, last: 4 });
});

test("a generator that starts anew is another stream, not a flood of repeats", () => {
  const totals = judged([...stream([100, 100, 100], 1), ...stream([100, 100], 2)]);
  expect(totals).toMatchObject({ received: 5, distinct: 5, duplicated: 0, lost: 0, streams: 2 });
});

test("two streams through one socket are told apart", () => {
  const [one, two] = [stream([100, 100, 100], 1), stream([100, 100, 100], 2)];
  const mixed = one.flatMap((datagram, index) => [datagram, ...two.slice(index, index + 1)]);
  expect(judged(mixed)).toMatchObject({ received: 6, lost: 0, duplicated: 0, reordered: 0, streams: 2 });
});

test("more streams than can be told apart keep their counts", () => {
  const verifier = new Verifier();
  for (let run = 1; run <= 1100; run++) {
    deliver(verifier, [
      { size: 100, run, sequence: 0, empties: 0 },
      { size: 100, run, sequence: 2, empties: 0 },
    ]);
  }
  expect(verifier.totals()).toMatchObject({ received: 2200, distinct: 2200, lost: 1100, streams: 1100 });
});

test("latency is the time between the two stamps, across the second", () => {
  const verifier = new Verifier();
  deliver(verifier, stream([100]));
  expect([verifier.latency.count, verifier.latency.max]).toEqual([1, 1500]);
});

test("what is foreign or corrupt is counted, and received it is not", () => {
  const verifier = new Verifier();
  verifier.take(kinds.foreign, reader.stamp, 100, 0, 0);
  verifier.take(kinds.corrupt, reader.stamp, 100, 0, 0);
  expect(verifier.totals()).toMatchObject({ received: 0, foreign: 1, corrupt: 1 });
  expect(isComplete({ ...judged(stream([100])), corrupt: 1 }, undefined)).toBe(false);
});

test("nothing at all is not complete, unless nothing was expected", () => {
  expect(isComplete(judged([]), undefined)).toBe(false);
  expect(isComplete(judged([]), 0)).toBe(true);
});

test("the sum of flows has all of them", () => {
  const parts = [judged(stream([100, 0, 7])), judged(stream([100]).concat(stream([100])))];
  expect(sum(parts)).toMatchObject({ received: 5, distinct: 4, duplicated: 1, empty: 1, first: undefined });
});
