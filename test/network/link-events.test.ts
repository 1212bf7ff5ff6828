// Links in a storm of events, under traffic: what runs on other links loses nothing, and when it is over all that can run runs.
//
//   gen out0 ───────────────── in0 relay out0 ───────────── in0 sink     stays as it is
//                                        out1 ───────────── in1 sink     stays as it is
//   gen brg ── g0 … g3 ── c0 … c3 relay  o0 … o2 ── s0 … s2 ── brs sink  comes, goes, moves, is renamed
//
// LINK_EVENTS_SEED=N repeats the events of a run.
import { afterAll, afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import fc from "fast-check";
import { Relay } from "../helpers/relay.ts";
import { settled, spareOf, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("link-events");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const eventCount = 500;
/** From the moment that a link can carry it, a rule runs within this time. */
const soonMs = 200;
const seed = Number(process.env["LINK_EVENTS_SEED"] ?? Date.now() % 1_000_000);

/** A link that events happen to. `far`: where its other end is, and the bridge that it is a port of. */
type Victim = {
  readonly name: string;
  readonly address: string;
  readonly far: { ns: string; link: string; bridge: string };
  now: { ns: "relay" | "limbo"; name: string } | undefined;
};

const inputs = [0, 1, 2, 3].map((at) => victim(`c${at}`, `10.0.9.${at + 1}/24`, "gen", `g${at}`, "brg"));
const outputs = [0, 1, 2].map((at) => victim(`o${at}`, `10.0.${at + 20}.1/24`, "sink", `s${at}`, "brs"));
const victims = [...inputs, ...outputs];

function victim(name: string, address: string, ns: string, link: string, bridge: string): Victim {
  return { name, address, far: { ns, link, bridge }, now: undefined };
}

/** Lines for `ip -batch` that need no order of their own; what cannot be done to a link as it is now is passed over. */
function batch(ns: string, ...lines: string[]): void {
  lab.execAnyway(ns, ["ip", "-force", "-batch", "-"], `${lines.join("\n")}\n`);
}

function create(each: Victim, index = 0): void {
  const { far, name, address } = each;
  const number = index > 0 ? `index ${index}` : "";
  const peer = `type veth peer name ${far.link} netns ${lab.ns(far.ns)}`;
  batch("relay", `link add name ${name} ${number} ${peer}`, `addr add ${address} dev ${name}`, `link set ${name} up`);
  batch(far.ns, `link set ${far.link} master ${far.bridge}`, `link set ${far.link} up`);
  each.now = { ns: "relay", name };
}

function indexOf(ns: string, name: string): number {
  return Number(/^(\d+):/.exec(lab.execAnyway(ns, ["ip", "link", "show", "dev", name]).stdout)?.[1] ?? 0);
}

type At = { ns: "relay" | "limbo"; name: string };

/** What happens to a link that is there, in random order; `dice` decides what is open. */
const events: readonly ((each: Victim, at: At, dice: number) => void)[] = [
  (_, { ns, name }) => batch(ns, `link set ${name} down`),
  (_, { ns, name }) => batch(ns, `link set ${name} up`),
  (_, { ns, name }) => batch(ns, `link set ${name} down`, `link set ${name} up`),
  (each, { ns, name }) => {
    batch(ns, `link del ${name}`);
    each.now = undefined;
  },
  (each, { ns, name }) => {
    batch(ns, `link del ${name}`);
    create(each);
  },
  // The same index, too fast for anybody to see it gone.
  (each, { ns, name }) => {
    const index = indexOf(ns, name);
    batch(ns, `link del ${name}`);
    create(each, index);
  },
  (each, at) => {
    const name = at.name === each.name ? `x${each.name}` : each.name;
    batch(at.ns, `link set ${at.name} down`, `link set ${at.name} name ${name}`, `link set ${name} up`);
    at.name = indexOf(at.ns, name) > 0 ? name : at.name;
  },
  swap,
  (each, at) => {
    const ns = at.ns === "relay" ? "limbo" : "relay";
    batch(at.ns, `link set ${at.name} netns ${lab.ns(ns)}`);
    at.ns = indexOf(ns, at.name) > 0 ? ns : at.ns;
    batch(at.ns, `addr add ${each.address} dev ${at.name}`, `link set ${at.name} up`);
  },
  (each, { ns, name }) => batch(ns, `addr del ${each.address} dev ${name}`),
  (each, { ns, name }) => batch(ns, `addr add ${each.address} dev ${name}`),
  (each, { ns, name }, dice) => batch(ns, `addr add ${each.address.replace("/", `${dice % 10}/`)} dev ${name}`),
  (_, { ns, name }, dice) => batch(ns, `link set ${name} mtu ${dice % 2 === 0 ? 9000 : 1500}`),
  () => batch("relay", "route add unreachable 10.0.21.2/32"),
  () => batch("relay", "route del unreachable 10.0.21.2/32"),
];

/** Two links take each other's name. */
function swap(each: Victim, at: At, dice: number): void {
  const other = victims[dice % victims.length];
  if (other?.now === undefined || other === each || at.ns !== other.now.ns) return;
  const [one, two] = [at.name, other.now.name];
  const names = [`${one} name swap0`, `${two} name ${one}`, `swap0 name ${two}`];
  batch(at.ns, ...[`${one} down`, `${two} down`, ...names, `${one} up`, `${two} up`].map((line) => `link set ${line}`));
  [at.name, other.now.name] = [two, one];
}

/** Everything as it was at the beginning. */
function restore(): void {
  batch("relay", "route del unreachable 10.0.21.2/32");
  // Whatever name and namespace they have by now: what a name says is nobody's to rely on after the storm.
  for (const each of victims) lab.execAnyway(each.far.ns, ["ip", "link", "del", each.far.link]);
  for (const each of victims) create(each);
}

function lay(): void {
  lab.ns("limbo");
  for (const [ns, bridge, addresses] of [
    ["gen", "brg", ["10.0.9.254/24"]],
    ["sink", "brs", ["10.0.20.2/24", "10.0.21.2/24", "10.0.22.2/24"]],
  ] as const) {
    lab.bridge(ns, bridge, []);
    for (const address of addresses) lab.ip(ns, `addr add ${address} dev ${bridge}`);
  }
  for (const each of victims) create(each);
}

function rules(): { AddRule: object }[] {
  const ofVictims = inputs.map(({ name }, at) => ({
    ...{ name, input_interface: name, input_group: `239.9.0.${at + 1}`, input_port: 5000 },
    outputs: [
      { group: `239.4.0.${at + 1}`, port: 5001, interface: "out1" },
      { group: `239.5.0.${at + 1}`, port: 5001, interface: `o${at % outputs.length}` },
    ],
  }));
  const stable = {
    ...{ name: "stable", input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 },
    outputs: [
      { group: "239.3.3.3", port: 5001, interface: "o0" },
      { group: "10.0.21.2", port: 5001, interface: "o1" },
      { group: "239.2.2.2", port: 5001, interface: "out0" },
    ],
  };
  return [stable, ...ofVictims].map((rule) => ({ AddRule: rule }));
}

/** Descriptors by kind, and mapped rings, of supervisor and workers. */
function held(relay: Relay): { pid: number; fds: Record<string, number>; rings: number }[] {
  return [relay.pid, ...relay.workerPids()].map((pid) => ({
    pid,
    fds: Object.fromEntries(
      Map.groupBy(readdirSync(`/proc/${pid}/fd`), (fd) => kindOf(`/proc/${pid}/fd/${fd}`))
        .entries()
        .map(([kind, fds]) => [kind, fds.length] as const)
        .toArray()
        .sort(),
    ),
    rings: readFileSync(`/proc/${pid}/maps`, "utf8").match(/socket:\[/g)?.length ?? 0,
  }));
}

/** `socket:` of `socket:[4711]`; the control connection that this test holds for a moment may come and go while it looks. */
function kindOf(path: string): string {
  try {
    return readlinkSync(path).replace(/\[\d+\]$/, "");
  } catch {
    return "closed meanwhile";
  }
}

/** Reasons of all that waits. */
async function waiting(relay: Relay): Promise<string[]> {
  const { rules: all } = await statusOf(relay);
  return all.flatMap(({ name, reason, outputs: each }) =>
    [reason, ...each.map(({ pending }) => pending)].flatMap((why) => (why === undefined ? [] : `${name}: ${why}`)),
  );
}

const runsAll = (relay: Relay) =>
  until(
    "everything runs",
    () => waiting(relay),
    (reasons) => reasons.length === 0,
    { deadlineMs: soonMs },
  );

test(`${eventCount} events, seed ${seed}: other flows lose nothing, and at the end everything runs and nothing is leaked`, async () => {
  lay();
  const relay = await Relay.start(lab, "relay", ["--workers", "2"]);
  for (const rule of rules()) await relay.must(rule);
  await runsAll(relay);
  await spareOf(relay);
  const heldBefore = held(relay);

  const sink = await Sink.start(lab, "sink", ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0"], 3);
  const rate = (count: string) => ["--rate", count, "--size", "200"];
  const calm = new Stream(lab, "gen", [
    ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", ...rate("5k")],
  ]);
  const stormy = new Stream(lab, "gen", [
    ...["--group", "239.9.0.1", "--port", "5000", "--interface", "brg", "--flows", "4", "--flow-step", "group"],
    ...rate("4k"),
  ]);
  await until("both flow", async () => (await statusOf(relay)).rules.every(({ datagrams }) => datagrams > 100));
  const dice = fc.sample(fc.nat(), { seed, numRuns: eventCount * 3 });
  for (let at = 0; at < eventCount; at++) {
    const [which = 0, what = 0, how = 0] = dice.slice(at * 3, at * 3 + 3);
    const each = victims[which % victims.length];
    if (each?.now === undefined) {
      if (each !== undefined) create(each);
    } else {
      events[what % events.length]?.(each, each.now, how);
    }
    // Now and then a moment to follow, else always the next event.
    if (how % 10 === 0) await statusOf(relay);
  }
  restore();
  const restoredMs = performance.now();
  await runsAll(relay);
  process.stderr.write(`everything ran ${(performance.now() - restoredMs).toFixed()} ms after the last event\n`);

  const { sent } = await calm.finished();
  await stormy.finished();
  expect(await sink.received()).toMatchObject({ ...intact, complete: expect.any(Boolean), received: sent });
  const stable = await settled(relay, "stable");
  expect(stable.datagrams).toBe(sent);
  expect(stable.outputs[2]).toMatchObject({ datagrams_sent: sent, datagrams_failed: 0, datagrams_dropped: 0 });

  // More datagrams than a ring has slots: one that was leaked would end the flow.
  for (const [at] of inputs.entries()) {
    const listen = ["--group", `239.4.0.${at + 1}`, "--port", "5001", "--interface", "in1", "--expect", "10000"];
    const last = await Sink.start(lab, "sink", listen, 0.3);
    const group = ["--group", `239.9.0.${at + 1}`, "--port", "5000", "--interface", "brg"];
    await generate(lab, "gen", [...group, "--rate", "15k", "--count", "10000", "--size", "100"]);
    expect(await last.received()).toMatchObject({ ...intact, received: 10_000 });
  }
  await until(
    "nothing is held but what was",
    () => held(relay),
    (now) => Bun.deepEquals(now, heldBefore),
  );
  expect((await relay.tryCtl("stats", "--check")).exitCode).toBe(0);
  expect((await statusOf(relay)).workers.map(({ restarts }) => restarts)).toEqual([0, 0]);
  const errors = relay.log.split("\n").filter((line) => /"level":"(Error|Critical)"/.test(line));
  expect(errors).toEqual([]);
  await relay.stop();
});
