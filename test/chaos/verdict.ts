// Four flows through a relay while something is done to it; then calm, and what is wrong, in words.
import { generate, intact, type Received } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";
import { type Held, held } from "./held.ts";
import { boundsOf, type Minute } from "./minutes.ts";
import { complaints } from "./referee.ts";
import { accountsOf, type ChaosStatus, chaosStatus } from "./status.ts";
import { growths } from "./trend.ts";
import { flowCount, flows, listen, World } from "./world.ts";

const counted = Array.from({ length: flowCount }, (_, index) => `flow-${index}`);
/** A worker that was stopped is found, and after many deaths the next one comes after 16 s. */
const calmMs = 40_000;
/** More than both workers' rings have slots: one that was leaked would end a flow. */
const lastCount = 40_000;
/** Slopes of fewer minutes say nothing; the first minute is a process that warms up. */
const minutesMin = 5;
/** A receiver outlives every silence of a run. */
const neverSeconds = 86_400;

/** What is done to the relay; adds to `minutes` what it measures. */
export type Trouble = (world: World, minutes: Minute[]) => Promise<void>;

/** Runs `trouble` under four flows of `rate` each. Throws when the relay does not answer, or does not recover. */
export async function verdictOf(
  label: string,
  rate: number,
  say: (text: string) => void,
  trouble: Trouble,
): Promise<string[]> {
  const world = await World.create(label);
  const minutes: Minute[] = [];
  try {
    await world.ready(calmMs);
    const before = held(world);
    const lost = await underTraffic(world, rate, say, () => trouble(world, minutes));
    const leaked = await sameHeld(world, before);
    const last = await lastFlow(world);
    const grown = growths(boundsOf(minutes.slice(1)), minutesMin);
    return [...lost, ...leaked, ...last, ...grown, ...(await ended(world))];
  } catch (error) {
    say(`the log ends:\n${world.reader.stdout.slice(-4000)}\n`);
    throw error;
  } finally {
    await world.close();
  }
}

/** The trouble under traffic, the calm after it, and what the referee says. */
async function underTraffic(
  world: World,
  rate: number,
  say: (text: string) => void,
  trouble: () => Promise<void>,
): Promise<string[]> {
  const sink = await listen(world.lab, neverSeconds);
  const stream = world.stream(rate);
  await until("traffic flows", async () => (await chaosStatus(world.relay)).frames.matched > rate);
  await trouble();
  await world.calm(calmMs);
  const { sent, failed } = await stream.finished();
  const status = await settled(world, sent + world.flooded);
  const received = await sink.received(1_000);
  const accounts = await accountsOf(world.relay);
  say(summary(status, sent, world.flooded, received));
  const unsent = failed === 0 ? [] : [`the generator's kernel refused ${failed}`];
  const refused = world.refused.map((each) => `refused: ${each}`);
  const evidence = { sent: { flows: sent, floods: world.flooded }, status, accounts, received, counted };
  return [...complaints(evidence), ...unsent, ...refused];
}

/** Waits until nothing moves any more, for at most some seconds: what is then missing is the referee's to name. */
async function settled(world: World, sent: number): Promise<ChaosStatus> {
  const isDone = ({ frames, rules }: ChaosStatus) =>
    frames.received + frames.kernel_drops >= sent &&
    rules.every(({ datagrams, outputs }) =>
      outputs.every((each) => each.datagrams_sent + each.datagrams_failed + each.datagrams_dropped >= datagrams),
    );
  const end = performance.now() + 3_000;
  for (;;) {
    const status = await chaosStatus(world.relay);
    if (isDone(status) || performance.now() > end) return status;
    await Bun.sleep(50);
  }
}

function summary(
  { frames, workers }: ChaosStatus,
  sent: number,
  flooded: number,
  { received, kernel_drops }: Received,
): string {
  const of = (what: "restarts" | "stalls") => workers.reduce((sum, each) => sum + each[what], 0);
  return (
    `sent ${sent} and ${flooded} to wrong ports; taken ${frames.received}, no room ${frames.kernel_drops}, arrived ${received}, ` +
    `no room at the sink ${kernel_drops}; ${of("restarts")} deaths, ${of("stalls")} stuck\n`
  );
}

/** Descriptors and processes are what they were; a spare or a closed client may take a moment. */
async function sameHeld(world: World, before: Held): Promise<string[]> {
  const end = performance.now() + 20_000;
  for (;;) {
    const now = held(world);
    if (Bun.deepEquals(now, before)) return [];
    if (performance.now() > end) return [`held before: ${JSON.stringify(before)}\nheld after:  ${JSON.stringify(now)}`];
    await Bun.sleep(200);
  }
}

/** A last stream at a moderate rate, which must be complete. */
async function lastFlow(world: World): Promise<string[]> {
  const sink = await listen(world.lab, 2);
  await generate(world.lab, "gen", [...flows(2_500), "--count", `${lastCount}`]);
  const received = await sink.received();
  const isIntact = Bun.deepEquals({ ...received, ...intact, received: lastCount }, received);
  return isIntact ? [] : [`of ${lastCount} datagrams after the storm: ${JSON.stringify({ ...received, flows: [] })}`];
}

/** The end: in time, with nothing left behind. */
async function ended(world: World): Promise<string[]> {
  await world.relay.stop(5_000);
  const left = world.lab.pids("relay").filter((pid) => pid !== world.reader.pid);
  return left.length === 0 ? [] : [`processes were left: ${left.join(", ")}`];
}
