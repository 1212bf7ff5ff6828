// Hours of the same, as root: four flows, a rule change every second, a worker killed every ten minutes. A table, a line a minute; at
// the end exit code 1 for a datagram that nobody counted or a column that grows (bounds in minutes.ts).
// Usage: npm run soak -- [--hours H] [--rate R] [--kill-minutes K]; R: datagrams a second of each flow.
import { fallOn, signalIfThere } from "./events/event.ts";
import { rule } from "./events/rule.ts";
import { head, lineOf, Meter, type Minute } from "./minutes.ts";
import { numbersGiven } from "./options.ts";
import { verdictOf } from "./verdict.ts";
import type { World } from "./world.ts";

const { hours, rate, "kill-minutes": killMinutes } = numbersGiven({ hours: 2, rate: 20_000, "kill-minutes": 10 });
const say = (text: string) => process.stdout.write(text);
const minutesWanted = Math.max(1, Math.round(hours * 60));

say(
  `${minutesWanted} minutes, four flows at ${rate}/s, a change a second, a kill every ${killMinutes} minutes\n${head}`,
);
const wrong = await verdictOf("soak", rate, say, soak);
for (const each of wrong) say(`wrong: ${each}\n`);
if (wrong.length === 0) say("nothing is wrong\n");
process.exit(wrong.length === 0 ? 0 : 1);

/** A minute after the other. Changes alternate, so that as many rules are there at the end of a minute as at its beginning. */
async function soak(world: World, minutes: Minute[]): Promise<void> {
  const meter = new Meter(world);
  await meter.read();
  const start = performance.now();
  for (let second = 1; second <= minutesWanted * 60; second++) {
    await Bun.sleep(Math.max(0, start + second * 1_000 - performance.now()));
    // Odd and never a multiple of four: the toggling of one neighbour after the other, and each back before the next.
    rule(world, (Math.floor(second / 2) << 3) | 1);
    if (second % Math.round(killMinutes * 60) === 0) {
      const pid = fallOn(world.relay.workerPids(), second / Math.round(killMinutes * 60));
      if (pid !== undefined) signalIfThere(pid, "SIGKILL");
    }
    if (second % 60 > 0) continue;
    const minute = await meter.read();
    minutes.push(minute);
    say(lineOf(minute, minutes.length));
  }
}
