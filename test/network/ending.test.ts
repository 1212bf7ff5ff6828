// What rules consume ends after the tap: this host's own stack sees nothing of it, and nobody who wants it misses it.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { z } from "zod";
import { compiled } from "../helpers/compiled.ts";
import { Lab } from "../helpers/namespaces.ts";
import { binary, Relay } from "../helpers/relay.ts";
import type { Running } from "../helpers/running.ts";
import { until } from "../helpers/until.ts";

const lab = Lab.create("ending");
afterAll(() => lab.close());

lab.veth({ ns: "gen", link: "out0", address: "10.0.1.1/24" }, { ns: "relay", link: "in0", address: "10.0.1.2/24" });
lab.veth({ ns: "relay", link: "out0", address: "10.0.2.1/24" }, { ns: "sink", link: "in0", address: "10.0.2.2/24" });

const input = ["--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000"];
const unicast = ["--input-interface", "in0", "--input-group", "10.0.1.2", "--input-port", "5000"];
const output = ["--outputs", "239.2.2.2:5001:out0"];
const id = ["--rule-id", "r"];

const rulesReply = z.object({
  Rules: z.array(
    z.looseObject({ rule_id: z.string(), ended: z.boolean().optional(), ended_reason: z.string().optional() }),
  ),
});
const statusReply = z.object({
  Status: z.looseObject({
    ending: z.looseObject({ is_available: z.boolean() }),
    rules: z.array(
      z.looseObject({
        rule_id: z.string(),
        datagrams: z.number(),
        missed: z.number().optional(),
        arrived: z.object({ datagrams: z.number(), bytes: z.number(), ended: z.number() }).optional(),
      }),
    ),
    links: z.array(z.looseObject({ name: z.string(), ending: z.string().optional() })),
  }),
});

let relay: Relay;

async function ruleNow() {
  const { Rules } = rulesReply.parse(await relay.send("ListRules"));
  return Rules.find((rule) => rule.rule_id === "r");
}

async function statusNow() {
  const { Status } = statusReply.parse(await relay.send("GetStatus"));
  const rule = Status.rules.find(({ rule_id }) => rule_id === "r");
  return { ...Status, rule };
}

const ends = (isEnded: boolean) => until(`ended is ${isEnded}`, ruleNow, (rule) => rule?.ended === isEnded);

/** Counters of the relay's IP and UDP, by name. */
function stack(ns = "relay"): Record<string, number> {
  const rows = lab
    .read(ns, "/proc/net/snmp")
    .split("\n")
    .map((line) => line.split(" "));
  const counters: Record<string, number> = {};
  for (const [at, [protocol, ...names]] of rows.entries()) {
    const values = rows[at + 1];
    if (values !== undefined && values[0] === protocol && names.some((name) => /[a-z]/.test(name))) {
      for (const [index, name] of names.entries()) counters[`${protocol}${name}`] = Number(values[index + 1]);
    }
  }
  return counters;
}

function grown(before: Record<string, number>, after: Record<string, number>, name: string): number {
  return (after[name] ?? 0) - (before[name] ?? 0);
}

/** Sends `count` datagrams of 100 bytes to a group and port of the relay's input. */
async function send(count: number, group = "239.1.1.1", port = 5000): Promise<void> {
  const words = `gen --group ${group} --port ${port} --interface out0 --size 100 --rate 20000 --count ${count}`;
  await lab.spawn("gen", [binary, ...words.split(" ")]).succeed();
}

let receiverCount = 0;
const receivers: Receiver[] = [];
type Receiver = { running: Running; path: string };

/** A receiver that is ready when this returns; what it hears is counted in its file. Ends with the test at the latest. */
async function listen(ns: string, group: string, port: number): Promise<Receiver> {
  receiverCount += 1;
  const path = `${lab.dir}/heard-${receiverCount}`;
  const address = group === "" ? "" : `,ip-add-membership=${group}:${ns === "sink" ? "10.0.2.2" : "10.0.1.2"}`;
  const command = ["socat", "-u", `UDP4-RECV:${port}${address},reuseaddr,rcvbuf=4000000`, `CREATE:${path}`];
  const receiver = { running: lab.spawn(ns, command), path };
  receivers.push(receiver);
  const isBound = () => lab.read(ns, "/proc/net/udp").includes(`:${port.toString(16).toUpperCase()} `);
  await until(`a socket on port ${port} in ${ns}`, isBound);
  return receiver;
}

const datagramsOf = ({ path }: Receiver) => statSync(path).size / 100;

beforeEach(async () => {
  relay = await Relay.start(lab, "relay", ["--workers", "1"]);
});
afterEach(async () => {
  for (const { running } of receivers.splice(0)) await running.end();
  if (relay.isUp) await relay.stop();
});

describe("what a rule consumes", () => {
  test("is forwarded whole, and this host's stack sees none of it", async () => {
    const receiver = await listen("sink", "239.2.2.2", 5001);
    await relay.ctl("add", ...input, ...output, ...id);
    expect(await ruleNow()).toMatchObject({ ended: true });
    const before = stack();
    await send(2000);
    await until(
      "all at the sink",
      () => datagramsOf(receiver),
      (count) => count === 2000,
    );
    const after = stack();
    // Room for an IGMP report of the far side.
    expect(grown(before, after, "Ip:InReceives")).toBeLessThan(10);
    expect(await statusNow()).toMatchObject({
      ending: { is_available: true },
      rule: { datagrams: 2000, missed: 0, arrived: { datagrams: 2000, bytes: 200_000, ended: 2000 } },
    });
    await receiver.running.end();
  });

  test("and is unicast brings its sender no port unreachable; without ending it does", async () => {
    await relay.ctl("add", ...unicast, ...output, ...id);
    const before = stack();
    await send(100, "10.0.1.2");
    await until("all captured", statusNow, ({ rule }) => rule?.datagrams === 100);
    expect(grown(before, stack(), "Udp:NoPorts")).toBe(0);
    expect(grown(before, stack(), "Icmp:OutDestUnreachs")).toBe(0);
    await relay.ctl("add", ...unicast, ...output, ...id, "--exclusive", "false");
    expect(await ruleNow()).toMatchObject({ ended: false, ended_reason: "the rule says that it is not exclusive" });
    await send(100, "10.0.1.2");
    await until("all captured", statusNow, ({ rule }) => rule?.datagrams === 200);
    expect(grown(before, stack(), "Udp:NoPorts")).toBe(100);
  });

  test("leaves other groups, ports and sources to this host", async () => {
    const source = ["--input-source", "10.0.1.9"];
    await relay.ctl("add", ...input, ...output, ...id, ...source);
    const before = stack();
    await send(10);
    await send(10, "239.1.1.1", 5001);
    await send(10, "10.0.1.2");
    expect(grown(before, stack(), "Udp:NoPorts")).toBe(10);
    expect(await statusNow()).toMatchObject({ rule: { arrived: { datagrams: 0, ended: 0 } } });
  });

  test("by a rule for one source is that source's alone, whatever the rule for every source says", async () => {
    const own = [...unicast, ...output, "--input-source", "10.0.1.1"];
    await relay.ctl("add", ...unicast, ...output, "--rule-id", "any");
    await relay.ctl("add", ...own, ...id, "--exclusive", "false");
    const before = stack();
    await send(10, "10.0.1.2");
    expect(grown(before, stack(), "Udp:NoPorts")).toBe(10);
    await relay.ctl("remove", "--rule-id", "r");
    await send(10, "10.0.1.2");
    expect(grown(before, stack(), "Udp:NoPorts")).toBe(10);
    await relay.ctl("remove", "--rule-id", "any");
    await send(10, "10.0.1.2");
    expect(grown(before, stack(), "Udp:NoPorts")).toBe(20);
  });
});

describe("another listener of this host", () => {
  test("that joins later gets what it asks for, and after it has left ending resumes", async () => {
    await relay.ctl("add", ...input, ...output, ...id);
    await ends(true);
    const listener = await listen("relay", "239.1.1.1", 5000);
    const rule = await ends(false);
    expect(rule?.ended_reason).toBe("another program of this host is bound to 239.1.1.1:5000");
    expect((await relay.tryCtl("list")).stdout).toContain("another program of this host is bound");
    await send(50);
    await until(
      "all at the listener",
      () => datagramsOf(listener),
      (count) => count === 50,
    );
    await listener.running.end();
    await ends(true);
    expect(await statusNow()).toMatchObject({ rule: { datagrams: 50, arrived: { datagrams: 50, ended: 0 } } });
  });

  test("that only joined the group, or was there before the rule, is left in peace", async () => {
    const joined = await listen("relay", "239.1.1.1", 6000);
    await relay.ctl("add", ...input, ...output, ...id);
    const first = await ends(false);
    expect(first?.ended_reason).toBe("another program of this host has joined 239.1.1.1 on in0");
    await joined.running.end();
    await ends(true);
  });

  test("does not count when the rule says exclusive", async () => {
    const listener = await listen("relay", "239.1.1.1", 5000);
    await relay.ctl("add", ...input, ...output, ...id, "--exclusive", "true");
    expect(await ruleNow()).toMatchObject({ ended: true, exclusive: true });
    await send(50);
    await until("all captured", statusNow, ({ rule }) => rule?.datagrams === 50);
    expect(datagramsOf(listener)).toBe(0);
    await listener.running.end();
  });
});

test("on a router, what it would route on is not ended", async () => {
  const routed = ["--input-interface", "in0", "--input-group", "10.0.2.2", "--input-port", "5000"];
  lab.ip("gen", "route add 10.0.2.0/24 via 10.0.1.2");
  lab.sysctl("relay", "net.ipv4.ip_forward", 1);
  const receiver = await listen("sink", "", 5000);
  await relay.ctl("add", ...routed, ...output, ...id);
  const rule = await ruleNow();
  expect(rule).toMatchObject({ ended: false });
  expect(rule?.ended_reason).toContain("the kernel routes what arrives on in0");
  await send(50, "10.0.2.2");
  await until(
    "all at their destination",
    () => datagramsOf(receiver),
    (count) => count === 50,
  );
  await receiver.running.end();
  lab.sysctl("relay", "net.ipv4.ip_forward", 0);
});

test("while a transparent proxy listens, a unicast input is not ended: TPROXY may lead there", async () => {
  await relay.ctl("add", ...unicast, ...output, ...id);
  await ends(true);
  const proxy = lab.spawn("relay", [compiled("transparent"), "1234"]);
  await proxy.says("ready");
  const rule = await ends(false);
  expect(rule?.ended_reason).toContain("has a transparent socket, which a TPROXY rule may hand 10.0.1.2:5000 to");
  proxy.closeInput();
  await proxy.succeed();
  await ends(true);
});

test("a link that a bridge owns keeps its frames", async () => {
  lab.ip("relay", "link add br0 type bridge");
  lab.ip("relay", "link set br0 up");
  lab.ip("relay", "link set in0 master br0");
  await relay.ctl("add", ...input, ...output, ...id);
  expect(await ruleNow()).toMatchObject({ ended: false, ended_reason: "br0 takes the frames of in0 too" });
  lab.ip("relay", "link del br0");
  await ends(true);
});

test("a supervisor that is killed leaves no program behind", async () => {
  await relay.ctl("add", ...unicast, ...output, ...id);
  await ends(true);
  relay.signal("SIGKILL");
  await relay.finish();
  const before = stack();
  await send(20, "10.0.1.2");
  expect(grown(before, stack(), "Udp:NoPorts")).toBe(20);
});

test("500 rules that come and go leave nothing that ends datagrams, and no counts", async () => {
  await relay.ctl("add", ...input, ...output, "--rule-id", "stays");
  for (let round = 0; round < 500; round++) {
    await relay.send({
      AddRule: {
        rule_id: "r",
        input_interface: "in0",
        input_group: "10.0.1.2",
        input_port: 5000,
        outputs: [{ group: "239.2.2.2", port: 5001, interface: "out0" }],
      },
    });
    if (round % 50 === 0) expect(await ruleNow()).toMatchObject({ ended: true });
    await relay.send({ RemoveRule: { rule_id: "r" } });
  }
  const before = stack();
  await send(20, "10.0.1.2");
  expect(grown(before, stack(), "Udp:NoPorts")).toBe(20);
  await relay.ctl("add", ...unicast, ...output, ...id);
  expect((await statusNow()).rule?.arrived).toEqual({ datagrams: 0, bytes: 0, ended: 0 });
  expect((await statusNow()).links.find(({ name }) => name === "in0")?.ending).toBe("tcx");
});

test("without the right to eBPF it relays as before and says so once", async () => {
  const socket = `${lab.dir}/plain.sock`;
  const own = ["--socket-path", socket];
  const without = ["setpriv", "--bounding-set", "-bpf,-sys_admin"];
  const plain = lab.spawn("relay", [
    ...without,
    binary,
    "supervise",
    "--control-socket-path",
    socket,
    "--workers",
    "1",
  ]);
  await plain.says("ready", "stderr");
  const receiver = await listen("sink", "239.2.2.2", 5001);
  await lab.spawn("relay", [binary, "add", ...own, ...input, ...output, ...id]).succeed();
  await send(50);
  await until(
    "all at the sink",
    () => datagramsOf(receiver),
    (count) => count === 50,
  );
  const reply = (await lab.spawn("relay", [binary, "list", "--json", ...own]).succeed()).stdout;
  expect(rulesReply.parse(JSON.parse(reply)).Rules[0]).toMatchObject({ ended: false });
  expect(rulesReply.parse(JSON.parse(reply)).Rules[0]?.ended_reason).toContain("CAP_BPF");
  await receiver.running.end();
  await plain.end();
  expect(plain.stderr.split("eBPF is not permitted")).toHaveLength(2);
});
