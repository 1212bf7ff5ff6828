// Events by a schedule: what npm run chaos and its short test do to a relay.
import { client } from "./events/client.ts";
import type { Happening } from "./events/event.ts";
import { flood } from "./events/flood.ts";
import { kill } from "./events/kill.ts";
import { link } from "./events/link.ts";
import { rule } from "./events/rule.ts";
import { stall } from "./events/stall.ts";
import { stop } from "./events/stop.ts";
import { head, lineOf, Meter } from "./minutes.ts";
import { type Kind, schedule } from "./schedule.ts";
import { verdictOf } from "./verdict.ts";

const happenings: Record<Kind, Happening> = { kill, stop, link, rule, flood, client, stall };
const minuteMs = 60_000;

/** `rate`: datagrams a second of each flow. `say` takes the record, line by line. */
export type Run = { seed: number; durationMs: number; deckMs: number; rate: number; say: (text: string) => void };

/** Makes a run and returns what is wrong, in words; empty: nothing. Throws when the relay does not answer or does not recover. */
export function chaos({ seed, durationMs, deckMs, rate, say }: Run): Promise<string[]> {
  return verdictOf("chaos", rate, say, async (world, minutes) => {
    const meter = new Meter(world);
    const start = performance.now();
    let nextMinuteMs = minuteMs;
    for (const { atMs, kind, dice } of schedule(seed, durationMs, deckMs)) {
      await Bun.sleep(Math.max(0, start + atMs - performance.now()));
      say(`+${String(atMs).padStart(6)} ms ${kind}: ${happenings[kind](world, dice)}\n`);
      if (performance.now() - start < nextMinuteMs) continue;
      nextMinuteMs += minuteMs;
      const minute = await meter.read();
      minutes.push(minute);
      say(`${head}${lineOf(minute, minutes.length)}`);
    }
  });
}
