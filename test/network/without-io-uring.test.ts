// Where the kernel refuses io_uring, as Docker's default profile has it: the relay runs all the same, and says so once.
// Wants quiet: 20,000 datagrams a second on two cores.
import { afterAll, afterEach, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { compiled } from "../helpers/compiled.ts";
import { Relay } from "../helpers/relay.ts";
import { settled, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";

const lab = bench("without");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const count = 40_000;
const input = ["--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000"];
const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];

test("the stream is complete, and log and status say what is missing", async () => {
  const under = [compiled("forbid"), "io_uring_setup"];
  const relay = await Relay.start(lab, "relay", ["--io", "auto", "--workers", "1", "--pipeline", "split"], { under });
  await relay.ctl("add", "--name", "feed", ...input, "--outputs", "239.2.2.2:5001:out0,10.0.3.2:5003:out1");
  const sinks = await Promise.all([
    Sink.start(lab, "sink", ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", `${count}`]),
    Sink.start(lab, "sink", ["--port", "5003", "--expect", `${count}`]),
  ]);
  await generate(lab, "gen", [...stream, "--rate", "20k", "--size", "0-1472", "--count", `${count}`]);
  for (const sink of sinks) expect(await sink.received()).toMatchObject({ ...intact, received: count });
  const rule = await settled(relay, "feed");
  expect(rule.outputs.map((output) => output.datagrams_sent)).toEqual([count, count]);

  const { io, workers } = await statusOf(relay);
  expect(io.kind).toBe("ppoll");
  expect(io.reason).toContain("io_uring is not available (EPERM)");
  expect(workers.map((worker) => worker.io)).toEqual(["ppoll"]);
  const [pid = 0] = relay.workerPids();
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  expect(open).not.toContain("anon_inode:[io_uring]");
  const features = { io: "ppoll", pipeline: "split" };
  expect(await relay.ctl("version")).toMatchObject({ Version: { features } });
  expect((await relay.tryCtl("workers")).stdout).toContain("ppoll");
  expect((await relay.tryCtl("status")).stdout).toContain("--security-opt seccomp=unconfined");
  const log = await relay.stop();
  expect(log.split("\n").filter((line) => line.includes("ppoll"))).toHaveLength(1);
  expect(log).toContain("--security-opt seccomp=unconfined");
});

test("where io_uring works it is taken, and nothing is said", async () => {
  const relay = await Relay.start(lab, "relay", ["--io", "auto", "--workers", "1"]);
  const { io, workers } = await statusOf(relay);
  expect(io).toEqual({ kind: "io_uring" });
  expect(workers.map((worker) => worker.io)).toEqual(["io_uring"]);
  expect(await relay.stop()).not.toContain("ppoll");
});
