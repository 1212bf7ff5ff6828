import { expect, test } from "bun:test";
import fc from "fast-check";
import { frame } from "../../../src/base/frames.ts";
import { limits } from "../../../src/limits.ts";
import { ReportReader } from "../../../src/supervise/workers/reports.ts";
import type { Report } from "../../../src/worker/orders.ts";
import { prove } from "../../helpers/prove.ts";

function lab() {
  const heard: Report[] = [];
  const refused: string[] = [];
  const reader = new ReportReader({ heard: (said) => heard.push(said), refused: (reason) => refused.push(reason) });
  return { reader, heard, refused };
}

const words = (value: unknown) =>
  frame(new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)));
const report: fc.Arbitrary<Report> = fc.oneof(
  fc.record({
    kind: fc.constant("born" as const),
    pid: fc.nat(),
    io: fc.constantFrom("io_uring" as const, "ppoll" as const),
  }),
  fc.record({ kind: fc.constant("stillborn" as const), reason: fc.string({ maxLength: 100 }) }),
  fc.record({
    kind: fc.constant("done" as const),
    seq: fc.nat(),
    by: fc.constantFrom("ingress" as const, "egress" as const),
    rules: fc.string({ maxLength: 20 }),
  }),
);

/** `bytes` in pieces that end at `cuts`. */
function* pieces(bytes: Uint8Array, cuts: readonly number[]): Iterable<Uint8Array> {
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    yield bytes.subarray(at, at + cut);
    at += cut;
    if (at >= bytes.length) return;
  }
}

test("any split of the bytes gives the same reports", () => {
  prove(
    fc.property(fc.array(report, { maxLength: 10 }), fc.array(fc.integer({ min: 1, max: 50 })), (said, cuts) => {
      const { reader, heard, refused } = lab();
      for (const piece of pieces(Buffer.concat(said.map(words)), cuts)) reader.push(piece);
      expect(heard).toEqual(said);
      expect(refused).toEqual([]);
    }),
    500,
  );
});

test("any garbage after good reports is refused once, with a reason, and nothing behind it is heard", () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => frame(bytes)),
    fc.json().map(words),
    fc.integer({ min: limits.reportSizeMax + 1, max: 0xffffffff }).map((size) => {
      const header = new Uint8Array(4);
      new DataView(header.buffer).setUint32(0, size);
      return header;
    }),
  );
  prove(
    fc.property(fc.array(report, { maxLength: 3 }), garbage, fc.array(fc.nat(30)), (said, bytes, cuts) => {
      const { reader, heard, refused } = lab();
      const after = words({ kind: "born", pid: 1, io: "ppoll" });
      for (const piece of pieces(Buffer.concat([...said.map(words), bytes, after]), cuts)) reader.push(piece);
      expect(heard).toEqual(said);
      expect(refused).toHaveLength(1);
      expect(refused[0]).toMatch(/not understood \(|longer than the limit/);
    }),
    1000,
  );
});

test.each([
  ["no JSON", "{]", "not understood"],
  ["another kind", { kind: "dance" }, "not understood"],
  ["a half that is none", { kind: "done", seq: 1, by: "supervisor", rules: "" }, "not understood"],
  ["a number that is none", { kind: "done", seq: -1, by: "ingress", rules: "" }, "not understood"],
  ["rules without end", { kind: "done", seq: 1, by: "ingress", rules: "x".repeat(1000) }, "not understood"],
  ["nothing at all", "", "not understood"],
])("%s is refused", (_, said, reason) => {
  const { reader, heard, refused } = lab();
  reader.push(words(said));
  expect(heard).toEqual([]);
  expect(refused[0]).toContain(reason);
});
