import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { limits } from "../../src/limits.ts";
import { PollRing } from "../../src/shim/poll-ring.ts";
import { Uring } from "../../src/shim/ring.ts";
import { rehearse } from "../../src/worker/warmup.ts";

const shape = { entries: limits.ringEntries, sendsMax: limits.sendsMax, piecesMax: limits.sendPiecesMax };
const openFiles = () => readdirSync("/proc/self/fd").length;

test.each([
  ["io_uring", () => new Uring(shape)],
  ["ppoll", () => new PollRing(shape)],
] as const)("with %s, every frame that a warm-up makes goes all the way, and no descriptor is left", (_, open) => {
  const before = openFiles();
  const { made, sent } = rehearse(open());
  expect(made).toBeGreaterThan(limits.warmUpRounds);
  // A rehearsal whose datagrams were refused on the way would have warmed up something else.
  expect(sent).toBe(made);
  expect(openFiles()).toBe(before);
});
