// Latency at 20,000/s in each of the first seconds of a relay's life: what its warm-up leaves to be compiled shows here.
// Usage: bun test/bench/first-seconds.ts [ROUNDS [SECONDS [BINARY...]]]    default 2 10 dist/mcr-appliance; as root; builds take turns
import { basename } from "node:path";
import { binary } from "../helpers/relay.ts";
import { makeBed, outputs, type Shape } from "./bed.ts";
import { otherBuild } from "./contenders/own.ts";
import { median } from "./metrics.ts";
import { openReceiver, type Received, received, send } from "./traffic.ts";
import { preferSession, prioritise } from "./usage.ts";

const [rounds, seconds] = [Number(process.argv[2] ?? "2"), Number(process.argv[3] ?? "10")];
const builds = process.argv.length > 4 ? process.argv.slice(4) : [binary];
const shape: Shape = { flows: 1, outputs: 1, rules: 1 };
const nice = -19;
const shown = { p50_ns: "p50", p99_ns: "p99", p999_ns: "p99.9", max_ns: "longest" } as const;

const restore = preferSession(nice);
const lab = makeBed();
try {
  const taken = builds.map((path) => ({ path, runs: [] as Received[][] }));
  for (let round = 0; round < rounds; round++) {
    for (const { path, runs } of taken) {
      runs.push(await firstSeconds(path));
    }
  }
  console.log(`microseconds, medians of ${rounds} round(s); a column a second`);
  for (const metric of ["p50_ns", "p99_ns", "p999_ns", "max_ns"] as const) {
    for (const { path, runs } of taken) {
      const each = Array.from({ length: seconds }, (_, second) =>
        median(runs.map((run) => run[second]?.[metric] ?? 0)),
      );
      const cells = each.map((ns) => String(Math.round(ns / 1000)).padStart(6));
      console.log(`${shown[metric].padEnd(8)} ${basename(path).padEnd(16)} ${cells.join(" ")}`);
    }
  }
} finally {
  await lab.close();
  restore();
}

/** Starts a relay and sends a stream of a second `seconds` times; what each was like. */
async function firstSeconds(path: string): Promise<Received[]> {
  const [contender] = otherBuild(path);
  if (contender === undefined) throw new Error("no contender");
  const receiver = await openReceiver(lab, outputs(shape), shape.flows);
  const contestant = await contender.start(lab, shape);
  try {
    prioritise(contestant.pids(), nice);
    const each: Received[] = [];
    for (let second = 0; second < seconds; second++) {
      await send(lab, shape.flows, { size: 1400, rate: 20_000, burst: 1, seconds: 1 }, nice);
      each.push(await received(receiver));
    }
    return each;
  } finally {
    await contestant.stop();
    await receiver.close();
  }
}
