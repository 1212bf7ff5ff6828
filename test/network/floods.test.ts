// A wanted flow of 20,000 datagrams a second beside a flood of what nobody wants. What the kernel's filter can tell apart costs the
// flow nothing; what it cannot is counted, frame by frame. Wants quiet.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { compiled } from "../helpers/compiled.ts";
import { fragmentFrames, patternPayload, udpFrame } from "../helpers/frames.ts";
import { Relay } from "../helpers/relay.ts";
import { type Status, settled, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const count = 60_000;
const foreign = { source: "10.0.1.9", destination: "239.1.1.1", sourcePort: 4000, destinationPort: 5999 };
const lab = bench("floods");
let relay: Relay;

beforeAll(async () => {
  relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const outputs = [{ group: "239.2.2.2", port: 5001, interface: "out0" }];
  const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 };
  await relay.must({ AddRule: { name: "feed", ...input, outputs } });
});
afterEach(async () => {
  expect(await relay.tryCtl("stats", "--check")).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await relay.stop();
  await lab.endAll();
  await lab.close();
});

/** A flood that goes on until it is told to end; then the number of its frames. */
type Flood = () => () => Promise<number>;

function byGenerator(...args: string[]): Flood {
  return () => {
    const stream = new Stream(lab, "gen", [...args, "--interface", "out0"]);
    return async () => (await stream.finished()).sent;
  };
}

/** Frames of our own making, some 15,000 a second. */
function byFrames(frame: (number: number) => Uint8Array): Flood {
  return () => {
    const frames = Array.from({ length: 40_000 }, (_, number) => `${frame(number).toHex()}\n`);
    const running = lab.spawn("gen", [compiled("rawsend"), "--pace", "10", "out0"]);
    running.write(frames.join(""));
    running.closeInput();
    return async () => Number((await running.succeed(30_000)).stdout.split(" ")[1]);
  };
}

function totals({ frames, workers }: Status) {
  const { received, no_match, kernel_drops, matched, refusals } = frames;
  return {
    taken: received,
    no_match,
    kernel_drops,
    matched,
    vlan: refusals["vlan"] ?? 0,
    cpu: workers[0]?.cpu_seconds ?? 0,
  };
}

/** Sends the wanted flow while `flood` goes on: what the sink got of it, and by how much the relay's counters moved. */
async function beside(what: string, flood: Flood) {
  const listen = ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", `${count}`];
  const sink = await Sink.start(lab, "sink", listen);
  const before = totals(await statusOf(relay));
  const end = flood();
  const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "20k", "--size", "0-1472"];
  await generate(lab, "gen", [...stream, "--count", `${count}`]);
  const flooded = await end();
  const received = await sink.received();
  await settled(relay, "feed");
  const isStill = (now: Status, then = totals(now)) => then.taken === then.matched + then.no_match + sumOf(now);
  const after = totals(
    await until(
      "all is accounted for",
      () => statusOf(relay),
      (now) => isStill(now),
    ),
  );
  const moved = Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof typeof before]]),
  ) as typeof before;
  const perFrame = (moved.cpu * 1e6) / Math.max(1, moved.taken);
  console.log(
    `${what}: ${flooded} beside ${count} wanted; ${moved.taken} frames taken, ${moved.kernel_drops} without a slot, ` +
      `worker ${moved.cpu.toFixed(2)} s, ${perFrame.toFixed(1)} us a frame taken; the sink lost ${received.lost}`,
  );
  return { flooded, arrived: received, ...moved };
}

function sumOf({ frames }: Status): number {
  return Object.values(frames.refusals).reduce((sum, each) => sum + each, 0);
}

const complete = { arrived: { ...intact, received: count }, matched: count, kernel_drops: 0 };

test("groups that no rule names, as fast as they go: the flow loses nothing, and the worker does not see them", async () => {
  const outcome = await beside(
    "no-match",
    byGenerator("--group", "239.9.9.9", "--port", "5000", "--size", "64", "--rate", "max"),
  );
  expect(outcome).toMatchObject({ ...complete, no_match: 0 });
  expect([outcome.arrived.received, outcome.flooded > 100_000]).toEqual([count, true]);
});

test("the rule's own group on another port: each frame is counted, and what the flow loses the ring's counter knows", async () => {
  const outcome = await beside(
    "wrong port",
    byGenerator("--group", "239.1.1.1", "--port", "5999", "--size", "64", "--rate", "max"),
  );
  const { arrived, flooded, no_match, kernel_drops, matched } = outcome;
  expect(matched + no_match + kernel_drops).toBe(count + flooded);
  expect(arrived.received).toBe(matched);
  expect(arrived).toMatchObject({ duplicated: 0, reordered: 0, corrupt: 0, foreign: 0 });
});

test("datagrams of 60,000 bytes in fragments on another port: put together, seen, and the flow loses nothing", async () => {
  const huge = ["--group", "239.1.1.1", "--port", "5999", "--size", "60000", "--rate", "500"];
  const outcome = await beside("huge fragments", byGenerator(...huge));
  expect(outcome).toMatchObject({ ...complete, no_match: outcome.flooded });
});

test("fragments whose rest never comes stay in the kernel, and the flow loses nothing", async () => {
  const lonely = (number: number) =>
    fragmentFrames(foreign, patternPayload(1400), 1000, { ipv4: { identification: number & 0xffff } })[number % 2] ??
    new Uint8Array(0);
  const outcome = await beside("lonely fragments", byFrames(lonely));
  expect(outcome).toMatchObject(complete);
});

test("frames tagged for another network are refused by name, and the flow loses nothing", async () => {
  const tagged = (number: number) =>
    udpFrame(foreign, patternPayload(200), { ethernet: { vlans: [{ id: 1 + (number % 4094) }] } });
  const outcome = await beside("tagged", byFrames(tagged));
  expect(outcome).toMatchObject({ ...complete, vlan: outcome.flooded, no_match: 0 });
});
