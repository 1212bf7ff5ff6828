// Several workers on one link, a worker that dies under traffic, and what a worker may and may not do.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isAlive } from "../helpers/alive.ts";
import { compiled } from "../helpers/compiled.ts";
import { Relay, testIo, workerEnvironment } from "../helpers/relay.ts";
import { run } from "../helpers/run.ts";
import { settled, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("workers");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const flowCount = 32;
const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];
const output = ["--group", "239.2.2.2", "--port", "6000", "--interface", "in0"];

function rule(index: number) {
  const to = { group: "239.2.2.2", port: 6000 + index, interface: "out0" };
  const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 + index };
  return { AddRule: { name: `flow-${index}`, ...input, outputs: [to] } };
}

describe.each(["split", "unified"])("in the pipeline %s", (pipeline) => {
  test("two workers share a link's flows: both work, nothing is lost, doubled or reordered", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "2", "--pipeline", pipeline]);
    for (let index = 0; index < flowCount; index++) {
      await relay.must(rule(index));
    }
    const count = 60_000;
    const sink = await Sink.start(lab, "sink", [...output, "--flows", `${flowCount}`, "--expect", `${count}`]);
    const many = ["--flows", `${flowCount}`, "--rate", "20k", "--size", "300", "--count", `${count}`];
    await generate(lab, "gen", [...stream, ...many]);
    expect(await sink.received()).toMatchObject({ ...intact, received: count, streams: flowCount });
    const { workers, frames } = await statusOf(relay);
    expect(frames).toMatchObject({ matched: count, kernel_drops: 0 });
    expect(workers.map((worker) => worker.frames.matched).filter((matched) => matched > 0)).toHaveLength(2);
    expect(new Set(workers.map((worker) => worker.core)).size).toBe(2);
    await relay.stop();
  });

  test("a worker killed under traffic is replaced, and the next stream is complete", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
    await relay.must(rule(0));
    const first = await Sink.start(lab, "sink", output);
    const running = new Stream(lab, "gen", [...stream, "--rate", "20k", "--size", "300"]);
    await until("the stream flows", async () => (await statusOf(relay)).frames.matched > 1000);
    const [victim = 0] = relay.workerPids();
    process.kill(victim, "SIGKILL");
    await relay.logs(/worker 0 \(pid \d+\) ended: signal .*; restarting/);
    const matchedByOther = async () => {
      const { workers, frames } = await statusOf(relay);
      return { pid: workers[0]?.pid, state: workers[0]?.state, matched: frames.matched };
    };
    const atDeath = (await statusOf(relay)).frames.matched;
    const after = await until("the replacement forwards", matchedByOther, ({ pid, state, matched }) => {
      return pid !== victim && state === "running" && matched > atDeath + 1000;
    });
    expect(relay.workerPids()).toEqual([after.pid ?? 0]);
    const { sent } = await running.finished();
    const received = await first.received();
    // What the dead worker had taken from the ring and not sent is gone, a few thousand slots at most; nothing comes twice.
    expect(received).toMatchObject({ duplicated: 0, corrupt: 0 });
    expect(received.distinct).toBeGreaterThan(sent - 8192);
    // Totals outlive the worker that counted them.
    expect((await statusOf(relay)).workers[0]?.restarts).toBe(1);

    const second = await Sink.start(lab, "sink", [...output, "--expect", "20000"]);
    await generate(lab, "gen", [...stream, "--rate", "20k", "--count", "20000"]);
    expect(await second.received()).toMatchObject({ ...intact, received: 20_000 });
    await relay.stop();
  });
});

describe("what a worker is", () => {
  /** Fields of /proc/PID/status or of one thread. */
  function fieldsOf(path: string): Map<string, string> {
    const lines = readFileSync(path, "utf8").split("\n");
    return new Map(lines.map((line) => [line.split(":\t")[0] ?? "", line.split(":\t")[1] ?? ""]));
  }

  test.each(["split", "unified"])(
    "%s: no privilege, one core for all threads, nothing in its environment but what its engine is told",
    async (pipeline) => {
      const relay = await Relay.start(lab, "relay", ["--workers", "2", "--pipeline", pipeline], {
        env: { ...process.env, MCR_TEST_SECRET: "1", BUN_OPTIONS: "" },
      });
      await relay.must(rule(0));
      const { workers } = await statusOf(relay);
      expect(workers).toHaveLength(2);
      for (const { pid, core } of workers) {
        for (const thread of readdirSync(`/proc/${pid}/task`)) {
          const fields = fieldsOf(`/proc/${pid}/task/${thread}/status`);
          const held = ["CapInh", "CapPrm", "CapEff", "CapAmb"].map((set) =>
            Number.parseInt(fields.get(set) ?? "", 16),
          );
          expect({ thread: fields.get("Name"), held, never: fields.get("NoNewPrivs") }).toEqual({
            thread: fields.get("Name"),
            held: [0, 0, 0, 0],
            never: "1",
          });
          expect(fields.get("Uid")?.split("\t")).not.toContain("0");
          expect(fields.get("Gid")?.split("\t")).not.toContain("0");
          expect(fields.get("Groups")?.trim()).toBe("");
          expect([fields.get("Name"), fields.get("Cpus_allowed_list")]).toEqual([fields.get("Name"), `${core}`]);
          // SECCOMP_MODE_FILTER.
          expect([fields.get("Name"), fields.get("Seccomp")]).toEqual([fields.get("Name"), "2"]);
        }
        // Threads of the runtime that were there before keep a bounding set, which means nothing without new privileges.
        expect(fieldsOf(`/proc/${pid}/status`).get("CapBnd")).toBe("0000000000000000");
        expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toMatch(workerEnvironment);
        for (const view of ["root", "cwd"]) {
          expect(readlinkSync(`/proc/${pid}/${view}`)).toMatch(/mcr-empty-\w+ \(deleted\)$/);
          expect(existsSync(`/proc/${pid}/${view}/proc`)).toBe(false);
        }
        expect(readlinkSync(`/proc/${pid}/ns/ipc`)).not.toBe(readlinkSync("/proc/self/ns/ipc"));
        const bounds = readFileSync(`/proc/${pid}/limits`, "utf8");
        expect(bounds).toMatch(/Max core file size +0 +0 /);
        expect(bounds).toMatch(/Max file size +0 +0 /);
        expect(bounds).toMatch(/Max processes +4096 +4096 /);
      }
      await relay.stop();
    },
  );

  test.each(["split", "unified"])("%s: one that opens a socket dies, and the log names the call", async (pipeline) => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
    await relay.must(rule(0));
    const [victim = 0] = relay.workerPids();
    run([compiled("inject"), `${victim}`]);
    await relay.logs(`(pid ${victim}) ended: signal SIGSYS, because its sandbox forbids socket (`);
    const [successor = 0] = await until(
      "it is replaced",
      async () => relay.workerPids(),
      (pids) => pids.length === 1 && pids[0] !== victim,
    );
    expect(isAlive(successor)).toBe(true);
    await until(
      "the rule runs again",
      () => statusOf(relay),
      ({ workers }) => workers[0]?.state === "running",
    );
    const sink = await Sink.start(lab, "sink", [...output, "--expect", "1000"]);
    await generate(lab, "gen", [...stream, "--rate", "10k", "--count", "1000"]);
    expect(await sink.received()).toMatchObject({ ...intact, received: 1000 });
    await relay.stop();
  });

  test("it holds the descriptors it needs, and as many after a hundred rules came and went", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", "split"]);
    await relay.must(rule(0));
    const [pid = 0] = relay.workerPids();
    const kinds = () => {
      const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      const names = targets.map((target) => target.replace(/:\[(?!io_uring|event).*|\d+/g, ""));
      const groups = Map.groupBy(names, (name) => name).entries();
      return Object.fromEntries(groups.map(([name, all]) => [name, all.length]));
    };
    const before = kinds();
    expect(before).toEqual({
      // stdin and stdout; stderr is the log's pipe.
      "/dev/null": 2,
      pipe: 1,
      "/memfd:mcr-counters- (deleted)": 1,
      // fd 3, the three streams, one capture, one output.
      socket: 6,
      ...(testIo === "ppoll" ? {} : { "anon_inode:[io_uring]": 2 }),
      // One wakes egress; the others and two of the polls are the runtime's, of two threads.
      "anon_inode:[eventfd]": 3,
      "anon_inode:[eventpoll]": testIo === "ppoll" ? 4 : 2,
    });
    for (let index = 1; index <= 100; index++) {
      await relay.must(rule(index));
      await relay.must({ RemoveRuleByName: { name: `flow-${index}` } });
    }
    expect(kinds()).toEqual(before);
    await relay.stop();
  });
});

test("totals add up after a run with rules of every kind", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "2"]);
  for (let index = 0; index < flowCount; index++) await relay.must(rule(index));
  await generate(lab, "gen", [...stream, "--flows", `${flowCount}`, "--rate", "20k", "--count", "10000"]);
  for (let index = 0; index < flowCount; index++) await settled(relay, `flow-${index}`);
  const { rules, frames } = await statusOf(relay);
  expect(rules.reduce((sum, each) => sum + each.datagrams, 0)).toBe(10_000);
  expect(frames.matched).toBe(10_000);
  await relay.stop();
});

test("a supervisor with more outputs than descriptors goes on: it answers, reports groups and replaces workers", async () => {
  const few = ["--workers", "1", "--spare", "off", "--rejoin-interval", "1"];
  const relay = await Relay.start(lab, "relay", few, { under: ["prlimit", "--nofile=200:200"] });
  const outputs = Array.from({ length: 60 }, (_, at) => ({ group: "239.3.3.3", port: 7000 + at, interface: "out0" }));
  for (const port of [1, 2, 3, 4]) {
    const input = { input_interface: "in0", input_group: "239.9.9.9", input_port: port };
    await relay.must({ AddRule: { name: `rule-${port}`, ...input, outputs } });
  }
  const waiting = async () => {
    const { rules } = await statusOf(relay);
    return rules.flatMap((rule) => rule.outputs.flatMap(({ pending }) => pending ?? []));
  };
  expect(await waiting()).toContainEqual(expect.stringMatching(/socket: EMFILE/));
  const reports = async () => (await statusOf(relay)).links.find(({ name }) => name === "in0")?.rejoin?.reports ?? 0;
  await until("the group is reported again", reports, (count) => count >= 2);
  const [pid = 0] = relay.workerPids();
  process.kill(pid, "SIGKILL");
  const ready = async () => JSON.stringify(await relay.send("Ping")).includes("1/1") && relay.workerPids()[0] !== pid;
  await until("another worker lives", ready, Boolean);
  await relay.stop();
}, 30_000);
