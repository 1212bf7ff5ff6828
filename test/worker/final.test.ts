import { expect, test } from "bun:test";
import { record } from "../../src/log/record.ts";
import { LogPipe } from "../../src/log/writer.ts";
import { egress, ingress, refusal, refusedFirst } from "../../src/relay/counters.ts";
import { sayFinal } from "../../src/worker/final.ts";

function finals(fill: (counters: Float64Array) => void): string[] {
  const lines: string[] = [];
  const pipe = new LogPipe({ write: (line) => (lines.push(line) > 0 ? "written" : "full"), clockUs: () => 0 });
  const counters = new Float64Array(512);
  fill(counters);
  sayFinal(pipe, counters);
  return lines.map((line) => record.parse(JSON.parse(line)).message);
}

test("the last words have the keys of INTEROP.md 8.2, in their order, single spaces between", () => {
  const said = finals((counters) => {
    counters[ingress.matched] = 10;
    counters[ingress.noMatch] = 7;
    counters[refusedFirst + refusal.fragment - 1] = 2;
    counters[refusedFirst + refusal.vlan - 1] = 1;
    counters[refusedFirst + refusal.large_slots_full - 1] = 4;
    counters[ingress.frames] = 24;
    counters[egress.datagrams] = 30;
    counters[egress.sent] = 28;
    counters[egress.failed] = 2;
    counters[egress.sentBytes] = 2800;
  });
  expect(said).toEqual([
    "[STATS:Ingress FINAL] total: recv=24 matched=10 egr_sent=28 filtered=3 no_match=7 buf_exhaust=4",
    "[STATS:Egress FINAL] total: sent=28 submitted=30 ch_recv=30 errors=2 bytes=2800",
  ]);
  // Readers search without a word boundary: no key may end like another.
  for (const line of said) {
    const keys = [...line.matchAll(/(\w+)=/g)].map(([, key = ""]) => key);
    for (const key of keys) expect(keys.filter((other) => other.endsWith(key))).toEqual([key]);
  }
});

test("a worker that never took a frame has no last words", () => {
  expect(finals(() => undefined)).toEqual([]);
});
