// The short shape of `npm run chaos`: one deck of events, with a kill, a stop, floods, slow clients and a log that nobody reads.
// CHAOS_SEED=N repeats the events of a run.
import { expect, test } from "bun:test";
import { chaos } from "../chaos/chaos.ts";

const seed = Number(process.env["CHAOS_SEED"] ?? Date.now() % 1_000_000);

test(`chaos of seed ${seed}: every datagram accounted for, every rule runs, nothing is leaked`, async () => {
  const record: string[] = [];
  const durationMs = 8_000;
  const say = (text: string) => record.push(text);
  try {
    expect(await chaos({ seed, durationMs, deckMs: durationMs, rate: 2_000, say })).toEqual([]);
  } catch (error) {
    process.stderr.write(record.join(""));
    throw error;
  }
}, 120_000);
