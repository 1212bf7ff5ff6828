// A worker that traces every frame while its supervisor is stopped: what that costs the datagrams. Three kinds of run,
// interleaved: quiet (level Info), stalled (Info, supervisor stopped), traced (Trace, supervisor stopped).
// Usage: bun test/bench/log-stall.ts [RATE [SECONDS [ROUNDS]]]    default 50000 10 2; MCR_BINARY names the executable
import { readFileSync } from "node:fs";
import { z } from "zod";
import { binary, Relay } from "../helpers/relay.ts";
import { bench } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const [rate = 50_000, seconds = 10, rounds = 2] = process.argv.slice(2).map(Number);
const kinds = ["quiet", "stalled", "traced"] as const;

const sinkSchema = z.object({
  received: z.number(),
  lost: z.number(),
  latency_us: z.object({ p50: z.number(), p99: z.number(), p999: z.number(), max: z.number() }),
});
const statusSchema = z.object({
  Status: z.object({
    frames: z.object({ matched: z.number(), kernel_drops: z.number() }),
    workers: z.array(z.object({ lines_lost: z.number() })),
  }),
});

const lab = bench("stall");
try {
  console.log(`${rate} datagrams/s of 300 bytes for ${seconds} s a run; latencies in microseconds`);
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kinds) {
      console.log(`round ${round} ${kind.padEnd(8)} ${await measure(kind)}`);
    }
  }
} finally {
  await lab.close();
}

async function measure(kind: (typeof kinds)[number]): Promise<string> {
  const level = kind === "traced" ? "trace" : "info";
  const args = ["--workers", "1", "--cores", "1", "--log-level", level, "--log-format", "json"];
  const relay = await Relay.start(lab, "relay", args);
  await relay.must({
    AddRule: {
      input_interface: "in0",
      input_group: "239.1.1.1",
      input_port: 5000,
      outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0" }],
    },
  });
  const count = rate * seconds;
  const [worker = 0] = relay.workerPids();
  const cpuBefore = cpuSeconds(worker);
  const to = ["--group", "239.2.2.2", "--port", "6000", "--interface", "in0", "--expect", `${count}`];
  const sink = lab.spawn("sink", [binary, "sink", ...to, "--idle", "2", "--json"]);
  await sink.says("ready", "stderr");
  if (kind !== "quiet") relay.signal("SIGSTOP");
  const from = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];
  const gen = ["gen", ...from, "--rate", `${rate}`, "--count", `${count}`, "--size", "300", "--json"];
  await lab.spawn("gen", [binary, ...gen]).succeed((seconds + 20) * 1000);
  const received = sinkSchema.parse(JSON.parse((await sink.finish(20_000)).stdout));
  const cpuAfter = cpuSeconds(worker);
  if (kind !== "quiet") relay.signal("SIGCONT");
  const status = await until("the relay answers", async () => statusSchema.parse(await relay.send("GetStatus")).Status);
  const linesLost = status.workers.reduce((sum, worker) => sum + worker.lines_lost, 0);
  // The worker's last words, at the latest, say what was lost before them.
  const log = await relay.stop(3000);
  const said = [...log.matchAll(/"lines_lost":(\d+)/g)].reduce((sum, [, lines]) => sum + Number(lines), 0);
  const cpu = ((cpuAfter - cpuBefore) / count) * 1e9;
  const { p50, p99, p999, max } = received.latency_us;
  return (
    `lost ${received.lost} of ${count} (kernel ${status.frames.kernel_drops}); ` +
    `p50 ${p50.toFixed(0)} p99 ${p99.toFixed(0)} p99.9 ${p999.toFixed(0)} max ${max.toFixed(0)}; CPU ${cpu.toFixed(0)} ns each; ` +
    `lines lost ${linesLost} (${(linesLost / seconds).toFixed(0)}/s), the log says ${said}`
  );
}

/** User and system time of a process so far (proc(5): fields 14 and 15 of stat, in hundredths of a second). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
