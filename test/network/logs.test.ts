// The log of the running program: what it says, what it never waits for, and levels that change while it runs.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { binary, Relay } from "../helpers/relay.ts";
import { settled, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("logs");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];
const output = ["--group", "239.2.2.2", "--port", "6000", "--interface", "in0"];
const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 };
const rule = { AddRule: { name: "feed", ...input, outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0" }] } };

const lineSchema = z.object({
  timestamp: z.iso.datetime(),
  level: z.string(),
  facility: z.string(),
  pid: z.number(),
  worker: z.number().optional(),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
});

/** Every line of a log in JSON, checked. */
function linesOf(log: string) {
  return log
    .trimEnd()
    .split("\n")
    .map((line) => lineSchema.parse(JSON.parse(line)));
}

function messagesOf(log: string): string[] {
  return linesOf(log).map(({ message }) => message);
}

/**
 * A supervisor behind a terminal that script(1) lends; what it shows comes on stdout. `exec`, because script ends its child
 * alone: behind a shell that stays (dash), the supervisor would live on and hold its socket.
 */
function onTerminal(socketPath: string): string[] {
  const command = `exec ${binary} supervise --workers 1 --control-socket-path ${socketPath}`;
  return ["script", "-qefc", command, "/dev/null"];
}

describe("what is said", () => {
  test("into a pipe: JSON in every line, and the worker's totals once, at its end, by the one that had work", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "2"]);
    await relay.must(rule);
    await generate(lab, "gen", [...stream, "--count", "100", "--size", "100"]);
    await settled(relay, "feed");
    const pids = relay.workerPids();
    const lines = linesOf(await relay.stop());
    const finals = lines.filter(({ message }) => message.includes("FINAL"));
    expect(finals.map(({ message }) => message)).toEqual([
      "[STATS:Ingress FINAL] total: recv=100 matched=100 egr_sent=100 filtered=0 no_match=0 buf_exhaust=0",
      "[STATS:Egress FINAL] total: sent=100 submitted=100 ch_recv=100 errors=0 bytes=10000",
    ]);
    expect(pids).toContain(finals[0]?.pid ?? 0);
    // Behind them only the ends of all pipes, the spare worker's too, and of the program.
    expect(lines.findLastIndex(({ message }) => message.includes("FINAL"))).toBeGreaterThanOrEqual(lines.length - 5);
    expect(lines.at(-1)?.message).toBe("ended");
    // Microseconds of a worker's own clock.
    expect(finals[0]?.timestamp).toMatch(/\.\d{6}Z$/);
  });

  test("to MCR's tools: workers' lines by pid, totals so far at every interval though nothing comes", async () => {
    const env = { ...process.env, MCR_STATS_INTERVAL_MS: "200" };
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--log-format", "mcr"], { env });
    const [pid] = relay.workerPids();
    const idle =
      /^\[Worker (\d+)\] \[.*\] \[Info\] \[STATS\] t_ms=\d+ rx=0 tx=0 matched=0 not_matched=0 .*buf_exhaust=0/m;
    await relay.logs(idle);
    expect(Number(idle.exec(relay.log)?.[1])).toBe(pid ?? 0);
    await relay.must(rule);
    await generate(lab, "gen", [...stream, "--count", "100", "--size", "100"]);
    await relay.logs(/\[STATS\] t_ms=\d+ rx=100 tx=100 matched=100 not_matched=0/);
    await relay.logs(/\[FLOW_STATS\] 239\.1\.1\.1:5000 packets=100 bytes=10000 pps=\d+ bps=\d+$/m);
    const log = await relay.stop();
    expect(log).toMatch(/^\[Worker \d+\] .*\[STATS:Ingress FINAL\] total: recv=100 matched=100 egr_sent=100/m);
    expect(log).toContain(`[Supervisor] Worker ${pid} log stream closed\n`);
    expect(log.toLowerCase()).not.toMatch(/panic|segfault|abort/);
  });

  test("to a terminal: in colours, for people", async () => {
    const socketPath = join(lab.dir, "terminal.sock");
    const env = { ...process.env, TERM: "xterm", NO_COLOR: undefined, CI: undefined };
    const terminal = lab.spawn("relay", onTerminal(socketPath), { env });
    await terminal.says("ready");
    expect(terminal.stdout).toContain("\u001b[");
    expect(Bun.stripANSI(terminal.stdout)).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z notice \[supervisor\] ready {2}workers=1/m,
    );
  });

  test.each([
    ["who wants no colours (NO_COLOR)", { TERM: "xterm", NO_COLOR: "1" }],
    ["that has none", { TERM: "dumb", NO_COLOR: undefined }],
  ])("to a terminal %s: the same without them", async (_, wish) => {
    const socketPath = join(lab.dir, "plain.sock");
    const env = { ...process.env, CI: undefined, ...wish };
    const terminal = lab.spawn("relay", onTerminal(socketPath), { env });
    await terminal.says("ready");
    expect(terminal.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z notice \[supervisor\] ready {2}workers=1/m);
    expect(terminal.stdout).not.toContain("\u001b");
  });

  test("of a worker that dies by a signal: its log ends, and the log says how it died", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
    const [pid = 0] = relay.workerPids();
    process.kill(pid, "SIGKILL");
    await relay.logs(`Worker ${pid} log stream closed`);
    await relay.logs(/worker 0 \(pid \d+\) ended: signal/);
    await relay.stop();
  });
});

describe("levels", () => {
  const isTraced = (relay: Relay) => messagesOf(relay.log).includes("frame matched");

  test("reach running workers and those born later, and a reset takes them back", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
    await relay.must(rule);
    const ping = () => generate(lab, "gen", [...stream, "--count", "1"]);
    await ping();
    await settled(relay, "feed");
    expect(isTraced(relay)).toBe(false);

    expect((await relay.tryCtl("log-level", "set", "--facility", "ingress", "trace")).stdout).toBe(
      "Log level for Ingress set to TRACE\n",
    );
    await ping();
    await until("the running worker traces", () => isTraced(relay), Boolean, { deadlineMs: 1000 });

    const [first = 0] = relay.workerPids();
    process.kill(first, "SIGKILL");
    await until("a new worker", async () => {
      const [worker] = (await statusOf(relay)).workers;
      return worker?.state === "running" && worker.pid !== first;
    });
    await ping();
    const tracers = () => linesOf(relay.log).filter(({ message }) => message === "frame matched");
    await until("the new worker traces", () => new Set(tracers().map(({ pid }) => pid)).size === 2);

    expect(await relay.send("GetLogLevels")).toEqual({
      LogLevels: { global: "Info", facility_overrides: { Ingress: "Trace" } },
    });
    expect((await relay.tryCtl("log-level", "reset")).exitCode).toBe(0);
    const before = tracers().length;
    await ping();
    await settled(relay, "feed");
    await relay.stop();
    expect(tracers()).toHaveLength(before);
  });

  test("above Info silence the totals, except when Stats has a level of its own", async () => {
    for (const level of ["Emergency", "Info"]) {
      const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
      await relay.must(rule);
      await relay.must({ SetGlobalLogLevel: { level: "Emergency" } });
      expect(await relay.send({ SetFacilityLogLevel: { facility: "Stats", level } })).toEqual({
        Success: `Log level for Stats set to ${level.toUpperCase()}`,
      });
      await generate(lab, "gen", [...stream, "--count", "10"]);
      await settled(relay, "feed");
      const log = await relay.stop();
      expect(log.match(/FINAL/g)?.length ?? 0).toBe(level === "Info" ? 2 : 0);
      expect(log).not.toContain('"ended"');
    }
  });
});

describe("nobody waits for a reader", () => {
  test("a worker that traces while its supervisor is stopped loses lines, counts them, and no datagram", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--log-level", "trace"]);
    await relay.must(rule);
    const count = 40_000;
    const sink = await Sink.start(lab, "sink", [...output, "--expect", `${count}`]);
    relay.signal("SIGSTOP");
    await generate(lab, "gen", [...stream, "--rate", "20k", "--size", "300", "--count", `${count}`]);
    expect(await sink.received()).toMatchObject({ ...intact, received: count });
    relay.signal("SIGCONT");
    const lostSchema = z.object({ Status: z.object({ workers: z.array(z.object({ lines_lost: z.number() })) }) });
    const status = await until("the supervisor answers", async () => lostSchema.parse(await relay.send("GetStatus")));
    const counted = status.Status.workers[0]?.lines_lost ?? 0;
    // Two lines a frame, of which the pipe held a few hundred.
    expect(counted).toBeGreaterThan(count);
    const said = linesOf(await relay.stop(2000)).reduce(
      (sum, { fields }) => sum + Number(fields?.["lines_lost"] ?? 0),
      0,
    );
    expect(said).toBeGreaterThanOrEqual(counted);
  });

  /** A supervisor whose standard error is a FIFO that this test holds open, and reads or not. */
  async function withFifo(label: string) {
    const path = join(lab.dir, `${label}.fifo`);
    lab.exec("relay", ["mkfifo", path]);
    // Read and write: neither side then waits for the other to open it.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const socketPath = join(lab.dir, `${label}.sock`);
    const supervise = `exec ${binary} supervise --workers 1 --control-socket-path ${socketPath} 2>${path}`;
    const start = () => lab.spawn("relay", ["sh", "-c", supervise]);
    const ctl = (...args: string[]) => lab.spawn("relay", [binary, "--socket-path", socketPath, ...args]).finish();
    const answers = () =>
      until(
        "it answers",
        () => ctl("ping"),
        ({ exitCode }) => exitCode === 0,
        { everyMs: 100, deadlineMs: 10_000 },
      );
    return { fd, start, ctl, answers };
  }

  test("the supervisor works while nobody reads its log, and says all of it when somebody does", async () => {
    const { fd, start, ctl, answers } = await withFifo("stalled");
    const page = new Uint8Array(4096).fill(0x2e);
    let filled = 0;
    try {
      for (;;) filled += writeSync(fd, page);
    } catch (full) {
      expect(String(full)).toContain("EAGAIN");
    }
    expect(filled).toBeGreaterThanOrEqual(page.length);
    const supervisor = start();
    await answers();
    expect((await ctl("log-level", "set", "debug")).exitCode).toBe(0);
    let text = "";
    const read = () => {
      const part = new Uint8Array(65_536);
      try {
        text += new TextDecoder().decode(part.subarray(0, readSync(fd, part)));
      } catch (empty) {
        expect(String(empty)).toContain("EAGAIN");
      }
      return text;
    };
    await until("what was held back", () => read().includes('"ready"'));
    supervisor.signal("SIGTERM");
    expect((await supervisor.finish()).exitCode).toBe(0);
    await until("the end", () => read().includes('"ended"'));
    closeSync(fd);
    expect(messagesOf(text.slice(filled)).filter((message) => message === "ready")).toHaveLength(1);
  });

  test("a reader that goes away takes nothing with it", async () => {
    const { fd, start, ctl, answers } = await withFifo("gone");
    const supervisor = start();
    await answers();
    closeSync(fd);
    const added = await ctl("add", "--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000");
    expect(added.exitCode).toBe(0);
    await answers();
    supervisor.signal("SIGTERM");
    expect((await supervisor.finish()).exitCode).toBe(0);
  });
});

test("a worker that floods its supervisor with traces leaves it answering", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--log-level", "trace"]);
  await relay.must(rule);
  const running = new Stream(lab, "gen", [...stream, "--rate", "10k", "--size", "300"]);
  await relay.logs(/logs too much: [\d,]+ lines? not shown/, 10_000);
  await relay.logs(/ … [\d,]+ times in /, 15_000);
  const start = performance.now();
  await relay.send("Ping");
  expect(performance.now() - start).toBeLessThan(1000);
  await running.finished();
  await relay.stop(2000);
});
