// The program on disk takes over from the one that runs: under traffic, when it is broken, by signal, as an ordinary user.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { copyFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ordinaryUserWith } from "../helpers/ordinary-user.ts";
import { binary, Relay } from "../helpers/relay.ts";
import { settled, spareOf, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("reload");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const flows = 4;
const spread = ["--flows", String(flows), "--flow-step", "group"];
const input = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", ...spread];
const output = ["--group", "239.2.2.1", "--port", "6000", "--interface", "in0", ...spread];
const program = join(lab.dir, "mcr-appliance");

const ruleOf = (flow: number) => ({
  AddRule: {
    ...{ name: `feed-${flow}`, input_interface: "in0", input_group: `239.1.1.${flow}`, input_port: 5000 },
    outputs: [{ group: `239.2.2.${flow}`, port: 6000, interface: "out0" }],
  },
});

/** Puts a fresh file of the program where it is started from: another inode, as an upgrade makes one. */
function install(): void {
  copyFileSync(binary, `${program}.new`);
  renameSync(`${program}.new`, program);
}

/** A relay from a file of its own, with a rule a flow, none of them saved. */
async function started(args: readonly string[] = ["--workers", "2"]): Promise<Relay> {
  install();
  const relay = await Relay.start(lab, "relay", args, { binary: program, readyMs: 20_000 });
  for (let flow = 1; flow <= flows; flow++) await relay.must(ruleOf(flow));
  return relay;
}

const takenOver = z.object({ Success: z.string() });

/** Asks for it as an operator does; returns how long flows waited at most, in milliseconds. */
async function reload(relay: Relay): Promise<number> {
  const { Success: text } = await relay.ctlAs(takenOver, "reload-binary");
  return Number(/longer than ([0-9.]+) ms/.exec(text)?.[1]);
}

const rulesOf = (relay: Relay) => relay.send("ListRules");

const descriptorsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** What a supervisor holds, once it has settled with a spare. */
async function holdings(relay: Relay) {
  await spareOf(relay);
  const { privateBytes } = relay.rss();
  return { privateBytes, children: relay.childPids().length, descriptors: descriptorsOf(relay.pid) };
}

describe("five times under four flows of 20,000 a second each", () => {
  test.each(["unified", "split"])(
    "nothing is lost, doubled or late, and all stays as it was: %s",
    async (pipeline) => {
      const relay = await started(["--workers", "2", "--pipeline", pipeline]);
      await relay.must({ SetFacilityLogLevel: { facility: "Egress", level: "Notice" } });
      const { pid } = relay;
      const rules = await rulesOf(relay);
      const before = await holdings(relay);
      const sink = await Sink.start(lab, "sink", output);
      const stream = new Stream(lab, "gen", [...input, "--rate", "80k", "--size", "300"]);
      const pauses: number[] = [];
      let matched = 0;
      for (let round = 0; round < (pipeline === "split" ? 2 : 5); round++) {
        const frames = await until(
          "traffic since the last time",
          async () => (await statusOf(relay)).frames,
          (now) => now.matched > matched + 20_000,
        );
        matched = frames.matched;
        install();
        pauses.push(await reload(relay));
      }
      const { sent } = await stream.finished();
      console.log(`flows waited at most (${pipeline}): ${pauses.map((each) => each.toFixed(1)).join(", ")} ms`);
      expect(await sink.received()).toMatchObject({ ...intact, received: sent, streams: flows });
      const all = await Promise.all([1, 2, 3, 4].map((flow) => settled(relay, `feed-${flow}`)));
      expect(all.reduce((sum, { datagrams }) => sum + datagrams, 0)).toBe(sent);
      const status = await statusOf(relay);
      expect(status.frames).toMatchObject({ matched: sent, kernel_drops: 0 });
      expect(status.workers.map(({ restarts, dropped_by_death: lost }) => ({ restarts, lost }))).toEqual([
        { restarts: 0, lost: 0 },
        { restarts: 0, lost: 0 },
      ]);
      expect(await rulesOf(relay)).toEqual(rules);
      expect(await relay.send("GetLogLevels")).toMatchObject({
        LogLevels: { facility_overrides: { Egress: "Notice" } },
      });
      expect((await relay.tryCtl("stats", "--check")).exitCode).toBe(0);
      expect(relay.pid).toBe(pid);
      const after = await holdings(relay);
      expect(after).toMatchObject({ children: before.children, descriptors: before.descriptors });
      expect(after.privateBytes - before.privateBytes).toBeLessThan(8 * 2 ** 20);
      await relay.stop();
    },
    60_000,
  );
});

/** Sends so many in each flow and expects every one of them. */
async function forwards(relay: Relay): Promise<void> {
  const sink = await Sink.start(lab, "sink", [...output, "--expect", "2000"]);
  await generate(lab, "gen", [...input, "--rate", "10k", "--count", "2000"]);
  expect(await sink.received()).toMatchObject({ ...intact, received: 2000 });
  expect((await relay.tryCtl("stats", "--check")).exitCode).toBe(0);
}

describe("a new program that cannot take over changes nothing, and it is said why", () => {
  test.each<[what: string, put: () => void, why: RegExp]>([
    ["is not there", () => rmSync(program), /cannot be executed .*; install the program there first/],
    [
      "may not be executed",
      () => put("#!/bin/true\n", 0o644),
      /cannot be executed .*; install the program there first/,
    ],
    ["is no program", () => put("\u007fELF and nothing else"), /cannot be started|it ended \(/],
    ["ends at once", () => put("#!/bin/sh\necho no luck >&2; exit 7\n"), /it ended \(7\) .* its last words: no luck/],
    ["says nothing", () => put("#!/bin/sh\nexec sleep 60\n"), /nothing came within 5000 ms/],
    [
      "cannot give birth to a worker",
      // One that hears what it is asked, and then finds something wrong.
      () => put(`#!/bin/sh\necho '{"hello":"9"}'; echo '{"unable":"its workers do not live: no room"}'\n`),
      /its workers do not live: no room/,
    ],
  ])("it %s", async (_, act, why) => {
    const relay = await started();
    const [workers, rules] = [relay.workerPids(), await rulesOf(relay)];
    act();
    const { exitCode, stderr } = await relay.tryCtl("reload-binary");
    expect(stderr).toMatch(why);
    expect(stderr).toContain("The old program goes on as before");
    expect(exitCode).toBe(1);
    expect(relay.workerPids()).toEqual(workers);
    expect(await rulesOf(relay)).toEqual(rules);
    await forwards(relay);
    await relay.stop();
  });

  function put(text: string, mode = 0o755): void {
    rmSync(program);
    writeFileSync(program, text, { mode });
  }
});

test("clients that come while it happens are answered, and what waits to be confirmed is taken back in its time", async () => {
  const relay = await started();
  const text = '{ rules: [{ name: "later", input: { interface: "in0", group: "239.9.9.9", port: 9 }, outputs: [] }] }';
  const rules = await rulesOf(relay);
  expect(await relay.send({ ApplyConfig: { text, confirm_within_ms: 4000 } })).toHaveProperty("Plan");
  const reloading = reload(relay);
  let isOver = false;
  const answers: unknown[] = [];
  const asking = (async () => {
    while (!isOver) answers.push(await relay.send("Ping"));
  })();
  await reloading;
  isOver = true;
  await asking;
  expect(answers.length).toBeGreaterThan(2);
  for (const answer of answers) expect(answer).toHaveProperty("Success");
  expect(JSON.stringify(await rulesOf(relay))).toContain("later");
  expect(await relay.send("ListConfigVersions")).toMatchObject({
    ConfigVersions: [{ how: "start" }, { how: "apply" }],
  });
  await until(
    "it is taken back",
    () => rulesOf(relay),
    (now) => !JSON.stringify(now).includes("later"),
    { deadlineMs: 8000 },
  );
  // All that ran before runs again, in whatever order.
  expect(new Set(await namesOf(relay))).toEqual(new Set(namesIn(rules)));
  await relay.stop();
});

const named = z.object({ Rules: z.array(z.object({ name: z.string() })) });
const namesIn = (reply: unknown) => named.parse(reply).Rules.map(({ name }) => name);
const namesOf = async (relay: Relay) => namesIn(await rulesOf(relay));

test("SIGUSR2 does the same, for an ordinary user with ambient capabilities, again and again", async () => {
  install();
  const options = { ...ordinaryUserWith(lab, "+net_raw,+net_admin,+bpf"), binary: program, readyMs: 20_000 };
  const relay = await Relay.start(lab, "relay", ["--workers", "1"], options);
  for (let flow = 1; flow <= flows; flow++) await relay.must(ruleOf(flow));
  for (let round = 1; round <= 2; round++) {
    const [before] = relay.workerPids();
    relay.signal("SIGUSR2");
    await until(
      `takeover ${round}`,
      () => relay.log.split("has taken over").length - 1,
      (count) => count === round,
      { deadlineMs: 20_000 },
    );
    // It has sent its last datagram by then; its memory takes a moment more to be given back.
    await until(
      "the worker before is gone",
      () => relay.workerPids(),
      (pids) => pids.length === 1 && pids[0] !== before,
    );
    await forwards(relay);
  }
  expect((await statusOf(relay)).frames.matched).toBe(4000);
  await relay.stop();
});
