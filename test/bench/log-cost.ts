// What logging at Info costs against logging switched off: one relay under one stream, its level changed between short
// windows, in pairs whose order alternates. CPU time of the worker per datagram, and what was delivered.
// Usage: bun test/bench/log-cost.ts [RATE|max [PAIRS [WINDOW_SECONDS]]]    default max 10 2; MCR_BINARY names the executable
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import { Relay } from "../helpers/relay.ts";
import { bench, Stream } from "../helpers/traffic.ts";

const [rate = "max", pairsText = "10", windowText = "2"] = process.argv.slice(2);
const [pairs, windowSeconds] = [Number(pairsText), Number(windowText)];
const framesSchema = z.object({ Status: z.object({ frames: z.object({ matched: z.number() }) }) });

type Window = { cpuNs: number; perSecond: number };

const lab = bench("cost");
try {
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--cores", "1"]);
  await relay.must({
    AddRule: {
      input_interface: "in0",
      input_group: "239.1.1.1",
      input_port: 5000,
      outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0" }],
    },
  });
  const to = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];
  const stream = new Stream(lab, "gen", [...to, "--rate", rate, "--size", "300"]);
  await measure(relay, "Info");
  const samples = { Info: [] as Window[], Emergency: [] as Window[] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const level of pair % 2 === 0 ? (["Info", "Emergency"] as const) : (["Emergency", "Info"] as const)) {
      samples[level].push(await measure(relay, level));
    }
  }
  await stream.finished();
  await relay.stop(3000);
  const cost = samples.Info.map((info, at) => info.cpuNs / (samples.Emergency[at]?.cpuNs ?? Number.NaN));
  const gain = samples.Info.map((info, at) => info.perSecond / (samples.Emergency[at]?.perSecond ?? Number.NaN));
  console.log(
    `${pairs} pairs of windows of ${windowSeconds} s at rate ${rate}, 300 bytes; Info against off (Emergency)`,
  );
  console.log(
    `datagrams/s: ${spread(samples.Info.map((each) => each.perSecond))} Info, ${spread(samples.Emergency.map((each) => each.perSecond))} off`,
  );
  console.log(
    `CPU ns each: ${spread(samples.Info.map((each) => each.cpuNs))} Info, ${spread(samples.Emergency.map((each) => each.cpuNs))} off`,
  );
  console.log(`throughput Info / off: ${spread(gain, 3)}`);
  console.log(`CPU Info / off:        ${spread(cost, 3)}`);
} finally {
  await lab.close();
}

async function measure(relay: Relay, level: "Info" | "Emergency"): Promise<Window> {
  await relay.must({ SetGlobalLogLevel: { level } });
  const [pid = 0] = relay.workerPids();
  const before = { matched: await matched(relay), cpuNs: cpuNs(pid), atMs: performance.now() };
  await Bun.sleep(windowSeconds * 1000);
  const count = (await matched(relay)) - before.matched;
  const seconds = (performance.now() - before.atMs) / 1000;
  return { cpuNs: (cpuNs(pid) - before.cpuNs) / count, perSecond: count / seconds };
}

async function matched(relay: Relay): Promise<number> {
  return framesSchema.parse(await relay.send("GetStatus")).Status.frames.matched;
}

/** Time on a CPU of all threads so far (Documentation/scheduler/sched-stats.rst). */
function cpuNs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
    0,
  );
}

/** Median, with the quartiles beside it. */
function spread(values: readonly number[], digits = 0): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN).toFixed(digits);
  return `${at(0.5)} (${at(0.25)} to ${at(0.75)})`;
}
