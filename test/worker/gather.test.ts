import { expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import { Gather, Naps } from "../../src/worker/gather.ts";

const ms = 1_000_000;

/** Notes `perSecond` frames, evenly spaced, one at a time, for so long. */
function stream(to: Pick<Gather, "note">, perSecond: number, fromMs: number, lengthMs: number): void {
  for (let each = 0; each < (perSecond * lengthMs) / 1000; each++) to.note(1, fromMs * ms + (each * 1e9) / perSecond);
}

test("frames gather while they come densely, and no more when they come sparsely", () => {
  const gather = new Gather();
  stream(gather, 100_000, 1000, 20);
  expect(gather.waitUs).toBe(limits.gatherUs);
  stream(gather, 20_000, 1020, 20);
  expect(gather.waitUs).toBe(0);
});

test("what a late wakeup left in the ring is not taken for dense traffic", () => {
  const gather = new Gather();
  stream(gather, 20_000, 1000, 20);
  // A millisecond away: twenty frames at once, then the stream goes on.
  gather.note(20, 1021 * ms);
  for (let at = 1021; at < 1040; at++) {
    stream(gather, 20_000, at, 1);
    expect(gather.waitUs).toBe(0);
  }
});

test("while traffic is dense egress looks again before it sleeps, a few times in vain; what it finds gives it as many anew", () => {
  const naps = new Naps();
  stream(naps, 100_000, 1000, 20);
  for (let round = 0; round < 2; round++) {
    for (let nap = 0; nap < limits.napsInVainMax; nap++) {
      expect(naps.take()).toBe(limits.gatherUs);
      naps.note(0, 1020 * ms);
    }
    expect(naps.take()).toBe(0);
    expect(naps.take()).toBe(0);
    naps.note(3, 1020 * ms);
  }
});

test("at sparse traffic it sleeps at once", () => {
  const naps = new Naps();
  stream(naps, 20_000, 1000, 20);
  naps.note(5, 1020 * ms);
  expect(naps.take()).toBe(0);
});
