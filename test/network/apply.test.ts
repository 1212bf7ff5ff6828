// Configurations that are applied beside flows that must not notice. Wants quiet: 20,000 datagrams a second all the while.
// APPLIES=1000 APPLY_RATE=80k is the long run: four flows at 20,000/s each.
import { afterAll, afterEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Relay } from "../helpers/relay.ts";
import { ruleOf, statusOf } from "../helpers/status.ts";
import { bench, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("apply");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const applies = Number(process.env["APPLIES"] ?? 100);
const rate = process.env["APPLY_RATE"] ?? "20k";

type FileRule = {
  name: string;
  input: object;
  outputs: { group: string; port: number; interface: string; ttl?: number }[];
};

const flows: FileRule[] = [0, 1, 2, 3].map((flow) => ({
  name: `flow-${flow}`,
  input: { interface: "in0", group: "239.1.1.1", port: 5000 + flow },
  outputs: [{ group: "239.2.2.2", port: 6000 + flow, interface: "out0" }],
}));

/** Numbers from a seed that the test prints: xorshift32. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** A neighbour of some kind: the flows' own group, other groups, another link whose capture comes and goes with it. */
function neighbour(index: number, roll: (below: number) => number): FileRule {
  const input =
    index % 5 === 0
      ? { interface: "out1", group: `239.7.7.${index}`, port: 5000 }
      : { interface: "in0", group: index % 2 === 0 ? "239.1.1.1" : `239.1.2.${index}`, port: 5100 + index };
  const outputs = Array.from({ length: roll(4) }, (_, output) => ({
    ...{ group: `239.9.${roll(3)}.${output + 1}`, port: 7000 + index, interface: "out0" },
    ...(roll(2) === 0 ? { ttl: 1 + roll(9) } : {}),
  }));
  return { name: `neighbour-${index}`, input, outputs };
}

test(`flows at ${rate}/s lose nothing, repeat nothing and count on over ${applies} applies of random neighbours`, async () => {
  const seed = Number(process.env["APPLY_SEED"] ?? 20_260_101);
  process.stderr.write(`seed ${seed}\n`);
  const roll = dice(seed);
  const relay = await Relay.start(lab, "relay", ["--workers", "2"]);
  const apply = (rules: readonly FileRule[]) => relay.send({ ApplyConfig: { text: JSON.stringify({ rules }) } });
  expect(await apply(flows)).toMatchObject({ Plan: { version: 2 } });
  const sink = await Sink.start(lab, "sink", [
    ...["--group", "239.2.2.2", "--port", "6000", "--flows", "4", "--interface", "in0"],
  ]);
  const stream = new Stream(lab, "gen", [
    ...[
      "--group",
      "239.1.1.1",
      "--port",
      "5000",
      "--flows",
      "4",
      "--interface",
      "out0",
      "--rate",
      rate,
      "--size",
      "200",
    ],
  ]);
  await until("the stream flows", async () => (await ruleOf(relay, "flow-3")).datagrams > 0);
  const before = (await ruleOf(relay, "flow-0")).datagrams;
  for (let turn = 0; turn < applies; turn++) {
    const chosen = Array.from({ length: 40 }, (_, index) => index).filter(() => roll(2) === 0);
    const rules = [...chosen.map((index) => neighbour(index, roll)), ...flows];
    expect(await apply(rules)).toMatchObject({ Plan: { unchanged: expect.any(Number) } });
    expect(await relay.send("ListRules")).toMatchObject({ Rules: { length: rules.length } });
  }
  // The claim means something only when there was traffic all along.
  expect((await ruleOf(relay, "flow-0")).datagrams - before).toBeGreaterThan(10 * applies);
  const { sent } = await stream.finished();
  expect(await sink.received()).toMatchObject({ ...intact, received: sent });
  const { frames, rules } = await statusOf(relay);
  const counted = rules.filter(({ name }) => name?.startsWith("flow-")).reduce((sum, rule) => sum + rule.datagrams, 0);
  expect([counted, frames.kernel_drops]).toEqual([sent, 0]);
  await relay.stop();
}, 600_000);

const rule = (name: string, port: number, ttl = 1) =>
  `{ name: "${name}", input: { interface: "in0", group: "239.1.1.1", port: ${port} }, ` +
  `outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0", ttl: ${ttl} }] }`;

async function names(relay: Relay): Promise<string[]> {
  const { rules } = await statusOf(relay);
  return rules.map(({ name }) => name ?? "");
}

test("a configuration is planned, applied for a time, taken back by itself, confirmed, saved and there after a restart", async () => {
  const path = join(lab.dir, "mcr.json5");
  const next = join(lab.dir, "next.json5");
  const first = `{\n  // the first\n  rules: [\n    ${rule("a", 5000)}, // mine\n    ${rule("b", 5001)},\n  ],\n}\n`;
  writeFileSync(path, first);
  writeFileSync(next, `{ rules: [ ${rule("a", 5000, 7)}, ${rule("c", 5002)} ] }`);
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--config", path]);
  const planned = await relay.tryCtl("config", "plan", next);
  expect(planned.stdout.replace(/\([0-9a-f]{16}\)/g, "(id)").split("\n")).toEqual([
    "~ a  in0 239.1.1.1:5000  (id)",
    "    outputs[239.2.2.2:6000:out0].ttl: 1 -> 7",
    "+ c  in0 239.1.1.1:5002  (id)",
    ...['    name: "c"', '    input: { interface: "in0", group: "239.1.1.1", port: 5002 }'],
    '    outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0", ttl: 1 }]',
    "- b  in0 239.1.1.1:5001  (id)",
    ...['    name: "b" -> none', '    input: { interface: "in0", group: "239.1.1.1", port: 5001 } -> none'],
    '    outputs: [{ group: "239.2.2.2", port: 6000, interface: "out0", ttl: 1 }] -> none',
    ...["", "1 added, 1 removed, 1 changed, 0 unchanged", ""],
  ]);
  expect(await names(relay)).toEqual(["a", "b"]);

  await relay.ctl("config", "apply", next, "--confirm-within", "1s");
  expect(await names(relay)).toEqual(["a", "c"]);
  const waiting = await relay.tryCtl("config", "apply", next);
  expect(waiting).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("waits 1 s more for 'config confirm'"),
  });
  await until("it is taken back", async () => (await names(relay)).includes("b"));
  expect((await names(relay)).toSorted()).toEqual(["a", "b"]);
  expect((await relay.tryCtl("config", "confirm")).exitCode).toBe(1);

  await relay.ctl("config", "apply", next, "--confirm-within", "60s");
  await relay.ctl("config", "confirm");
  expect((await relay.tryCtl("list")).stdout).toMatch(/ c .*active; .*not saved/);
  const versions = (await relay.tryCtl("config", "history")).stdout;
  expect(versions).toMatch(/ 1 .* start .*\n +2 .* apply, uid 0 .*\n +3 .* not confirmed .*\n +4 .* apply, uid 0 /);
  expect((await relay.tryCtl("config", "show", "--version", "1")).stdout).toContain('name: "b"');

  await relay.ctl("config", "save");
  const saved = readFileSync(path, "utf8");
  expect(saved).toContain("{\n  // the first\n  rules: [\n");
  expect(saved).toContain("ttl: 7 }] }, // mine\n");
  expect(saved).not.toContain('"b"');
  expect(await relay.tryCtl("config", "diff")).toMatchObject({ stdout: "what runs is what the files say\n" });

  // Somebody edits the file: it is taken by SIGHUP, and not written over before that.
  writeFileSync(path, saved.replace('"c"', '"d"'));
  await relay.ctl("remove", "--name", "a");
  const refused = await relay.tryCtl("config", "save");
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("changed since they were read") });
  relay.signal("SIGHUP");
  await until("the file is taken", async () => (await names(relay)).includes("d"));
  expect((await names(relay)).toSorted()).toEqual(["a", "d"]);
  await relay.ctl("config", "rollback");
  expect(await names(relay)).toEqual(["c"]);
  await relay.ctl("config", "save");
  await relay.stop();

  const again = await Relay.start(lab, "relay", ["--workers", "1", "--config", path]);
  expect(await names(again)).toEqual(["c"]);
  // A file with a mistake changes nothing.
  writeFileSync(path, "{ rules: [ { nme: 1 } ] }");
  const reload = await again.tryCtl("reload");
  expect(reload).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("mcr.json5:1:12: rules[0].input is missing"),
  });
  expect(await names(again)).toEqual(["c"]);
  await again.stop();
}, 60_000);

test("what cannot be applied as a whole changes nothing, and a whole setup is saved into another file", async () => {
  const path = join(lab.dir, "mcr.json5");
  writeFileSync(path, `{ rules: [ ${rule("a", 5000)} ] }`);
  const relay = await Relay.start(lab, "relay", ["--workers", "2", "--config", path]);
  const before = await statusOf(relay);
  const twice = { ApplyConfig: { text: `{ rules: [ ${rule("x", 1)}, ${rule("y", 1)} ] }` } };
  expect(await relay.send(twice)).toMatchObject({ Error: expect.stringContaining("duplicate rule for input") });
  expect((await statusOf(relay)).rules.map(({ name }) => name)).toEqual(before.rules.map(({ name }) => name));
  expect(await relay.send({ SaveConfig: { path: join(lab.dir, "copy.json5") } })).toEqual({
    Success: `Configuration saved to ${join(lab.dir, "copy.json5")}`,
  });
  expect(readFileSync(join(lab.dir, "copy.json5"), "utf8")).toContain('name: "a"');
  await relay.stop();
}, 60_000);

test("a worker that does not take a change keeps it from all others", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "2"]);
  const text = (count: number) =>
    `{ rules: [ ${Array.from({ length: count }, (_, at) => rule(`r${at}`, at + 1)).join()} ] }`;
  expect(await relay.send({ ApplyConfig: { text: text(3) } })).toMatchObject({ Plan: { version: 2 } });
  const [stopped = 0] = relay.workerPids();
  process.kill(stopped, "SIGSTOP");
  const refused = await relay.send({ ApplyConfig: { text: text(5) } }, 20_000);
  expect(refused).toMatchObject({
    Error: expect.stringMatching(/5 changes|2 changes not made: worker .* Nothing was changed/),
  });
  expect((await names(relay)).toSorted()).toEqual(["r0", "r1", "r2"]);
  await until(
    "its successor lives",
    () => relay.send("Ping"),
    (reply) => JSON.stringify(reply).includes("pong: 2/2"),
  );
  expect(await relay.send({ ApplyConfig: { text: text(5) } })).toMatchObject({ Plan: { version: 3 } });
  await relay.stop();
}, 60_000);

test("10,000 rules come in one change and go in one", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "2"]);
  const rules = Array.from({ length: 10_000 }, (_, at) => ({
    input: { interface: "in0", group: `239.1.${at >> 8}.${at & 255}`, port: 5000 },
    outputs: [{ group: `239.2.${at >> 8}.${at & 255}`, port: 6000, interface: "out0" }],
  }));
  const apply = (some: object[]) => relay.send({ ApplyConfig: { text: JSON.stringify({ rules: some }) } }, 50_000);
  expect(await apply(rules)).toMatchObject({ Plan: { version: 2, rules: { length: 10_000 } } });
  expect(await relay.send("Ping")).toEqual({ Success: "pong: 2/2 worker streams ready" });
  expect(await apply([])).toMatchObject({ Plan: { version: 3, unchanged: 0 } });
  await relay.stop(5_000);
}, 120_000);

test("MCR's requests about the configuration are answered in MCR's shapes", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const input = { interface: "in0", group: "239.1.1.1", port: 5000 };
  const output = { group: "239.2.2.2", port: 5001, interface: "out0" };
  const config = { rules: [{ name: "r", input, outputs: [output] }] };
  expect(await relay.send({ CheckConfig: { config } })).toEqual({ ConfigValidation: { valid: true, errors: [] } });
  const wrong = { rules: [{ name: "r", input: { ...input, port: 0 }, outputs: [output] }] };
  expect(await relay.send({ CheckConfig: { config: wrong } })).toEqual({
    ConfigValidation: { valid: false, errors: ["invalid port 0 in rule 0"] },
  });
  expect(await relay.send({ LoadConfig: { config: wrong, replace: false } })).toEqual({
    Error: "Invalid configuration: invalid port 0 in rule 0",
  });
  expect(await relay.send({ LoadConfig: { config, replace: false } })).toEqual({
    Success: "Configuration merged (1 rules added, 0 skipped as duplicates)",
  });
  expect(await relay.send({ LoadConfig: { config, replace: false } })).toEqual({
    Success: "Configuration merged (0 rules added, 1 skipped as duplicates)",
  });
  expect(await relay.send("GetConfig")).toEqual({
    Config: {
      pinning: {},
      rules: [{ name: "r", input: { ...input, protocol: null }, outputs: [output] }],
      multicast_ttl: null,
    },
  });
  expect(await relay.send({ LoadConfig: { config: { rules: [] }, replace: true } })).toEqual({
    Success: "Configuration loaded (0 rules, replaced existing)",
  });
  expect(await relay.send("GetControlPlaneConfig")).toEqual({
    ControlPlaneConfig: { rpf_provider: "disabled", external_neighbors_enabled: true, event_buffer_size: 256 },
  });
  await relay.stop();
}, 60_000);
