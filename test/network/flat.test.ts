// A worker at full rate makes no garbage and takes no pauses: its memory stays where it is, and its longest stall is told.
// FLAT_SECONDS=60 is the long run. Wants quiet: the generator goes as fast as it can.
import { afterAll, afterEach, expect, test } from "bun:test";
import { z } from "zod";
import { Relay } from "../helpers/relay.ts";
import { settled } from "../helpers/status.ts";
import { bench, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("flat");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const seconds = Number(process.env["FLAT_SECONDS"] ?? "4");
/** The engine goes on compiling in the first seconds, and what it compiles is memory too: until it takes no more. */
const warmMs = 20_000;
const warmGrowth = 256 * 1024;
const mib = 1024 * 1024;
/** What pulses and status queries leave behind until a collection; a byte for each frame would pass it in seconds. */
const growthMax = 2 * mib;

const halves = z.object({ ingress: z.number(), egress: z.number() });
const workerSchema = z.object({
  rss_bytes: z.number(),
  private_bytes: z.number(),
  heap_bytes: halves,
  stall_us: halves,
  stranded: z.number(),
  frames: z.object({ received: z.number() }),
});
type Worker = z.output<typeof workerSchema>;

/** The one worker, by `status --json`, as an operator's script would ask. */
async function statsOf(relay: Relay): Promise<Worker> {
  const reply = z.object({ Status: z.object({ workers: z.tuple([workerSchema]) }) });
  return (await relay.ctlAs(reply, "status")).Status.workers[0];
}

/** A relay with one rule, and a generator that goes as fast as it can. */
async function loaded(pipeline: string): Promise<{ relay: Relay; stream: Stream }> {
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
  const outputs = [{ group: "239.2.2.2", port: 6000, interface: "out0" }];
  await relay.must({
    AddRule: { name: "feed", input_interface: "in0", input_group: "239.1.1.1", input_port: 5000, outputs },
  });
  const target = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];
  return { relay, stream: new Stream(lab, "gen", [...target, "--rate", "max", "--gso", "16", "--size", "1200"]) };
}

function spread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

test.each(["unified", "split"])(
  "%s: heap and RSS stay flat at full rate, and nothing is stranded",
  async (pipeline) => {
    const { relay, stream } = await loaded(pipeline);
    let before = 0;
    await until(
      "a second without growth",
      async () => (await statsOf(relay)).private_bytes,
      (bytes) => {
        const grown = bytes - before;
        before = bytes;
        return Math.abs(grown) < warmGrowth;
      },
      { everyMs: 1000, deadlineMs: warmMs },
    );
    const samples: Worker[] = [];
    for (let second = 0; second <= seconds; second++) {
      samples.push(await statsOf(relay));
      await Bun.sleep(1000);
    }
    await stream.finished();
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined) throw new Error("nothing was sampled");
    const rate = (last.frames.received - first.frames.received) / seconds;
    const grown = {
      rss: spread(samples.map(({ rss_bytes }) => rss_bytes)),
      private: spread(samples.map(({ private_bytes }) => private_bytes)),
      heap: spread(samples.map(({ heap_bytes }) => heap_bytes.ingress + heap_bytes.egress)),
    };
    const { ingress, egress } = last.stall_us;
    console.log(
      `${pipeline}, ${seconds} s at ${Math.round(rate / 1000)} k/s: RSS ${(last.rss_bytes / mib).toFixed(1)} MiB, moved by ` +
        `${grown.rss >> 10} KiB, private by ${grown.private >> 10}, heap by ${grown.heap >> 10}; ` +
        `longest stall ${Math.round(ingress)} us ingress, ${Math.round(egress)} egress`,
    );
    // Else memory would stay flat because nothing happened.
    expect(rate).toBeGreaterThan(20_000);
    expect(Math.max(grown.rss, grown.private, grown.heap)).toBeLessThan(growthMax);
    expect(last.stranded).toBe(0);
    expect(Math.min(ingress, egress)).toBeGreaterThan(0);
    await settled(relay, "feed");
    await relay.stop();
  },
  (seconds + 30) * 1000 + warmMs,
);

test("a worker that was away for 300 ms says so in its longest stall", async () => {
  const { relay, stream } = await loaded("unified");
  const [pid = 0] = relay.workerPids();
  await until(
    "the stall",
    async () => {
      // A stop that falls into a wait is none: nobody was kept waiting. At full rate most fall into work.
      process.kill(pid, "SIGSTOP");
      await Bun.sleep(300);
      process.kill(pid, "SIGCONT");
      return (await statsOf(relay)).stall_us;
    },
    ({ ingress, egress }) => Math.min(ingress, egress) >= 290_000,
    { deadlineMs: 20_000 },
  );
  await stream.finished();
  await relay.stop();
});
