// Rules that say more than one address: prefixes, ranges of ports, links by the beginning of their names.
import { afterAll, afterEach, expect, test } from "bun:test";
import { z } from "zod";
import { udpFrame } from "../helpers/frames.ts";
import { Listener } from "../helpers/listener.ts";
import { rawsend } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("ranges");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const outputs = [{ group: "239.9.0.0/16", port: "+1000", interface: "out0" }];
const wide = { input_interface: "in0", input_group: "239.1.0.0/16", input_port: "5000-5999", outputs };
const explained = z.object({
  Explanation: z.object({ findings: z.array(z.object({ verdict: z.string(), text: z.string() })) }),
});

const sourceAddress = { source: "10.0.1.1", sourcePort: 4000 };

function send(destination: string, destinationPort: number, text: string): void {
  rawsend(lab, "gen", "out0", [udpFrame({ ...sourceAddress, destination, destinationPort }, Buffer.from(text))]);
}

test.each(["unified", "split"])(
  "%s: 1,000 flows through one rule arrive where each is mapped to, all of them, in order",
  async (pipeline) => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
    await relay.must({ AddRule: { name: "wide", ...wide } });
    const groups = Array.from({ length: 10 }, (_, at) => at + 1);
    // Each group has a number of its own, so that none can stand for another.
    const perFlow = (at: number) => 10 + at;
    const total = groups.reduce((sum, at) => sum + 100 * perFlow(at), 0);
    const sink = await Sink.start(lab, "sink", [
      ...groups.flatMap((at) => ["--group", `239.9.1.${at}:6000`]),
      ...["--interface", "in0", "--flows", "100", "--rcvbuf", "262144", "--expect", `${total}`],
    ]);
    await Promise.all(
      groups.map((at) =>
        generate(lab, "gen", [
          ...["--group", `239.1.1.${at}`, "--port", "5000", "--interface", "out0", "--flows", "100"],
          ...["--rate", "2k", "--size", "200", "--count", `${100 * perFlow(at)}`],
        ]),
      ),
    );
    const received = await sink.received(10_000);
    expect(received).toMatchObject({ ...intact, received: total, streams: 1_000 });
    expect(received.flows.map((flow) => flow.received)).toEqual(
      groups.flatMap((at) => Array.from({ length: 100 }, () => perFlow(at))),
    );
    const { rules } = await statusOf(relay);
    expect(rules[0]).toMatchObject({ datagrams: total, outputs: [{ datagrams_sent: total, datagrams_dropped: 0 }] });
    await relay.stop();
  },
);

test("a datagram leaves to its own group and port with what is added, and nothing beside the range is taken", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  await relay.must({ AddRule: { name: "wide", ...wide } });
  const joined = { group: "239.9.77.3", linkAddress: "10.0.2.2" };
  const [low, high] = await Promise.all([6000, 6999].map((port) => Listener.start(lab, "sink", port, joined)));
  if (low === undefined || high === undefined) throw new Error("there are two");
  for (const [group, port] of [
    ["239.1.77.3", 4999],
    ["239.1.77.3", 6000],
    ["239.2.77.3", 5000],
    ["239.1.77.4", 5000],
  ] as const) {
    send(group, port, "not this");
  }
  send("239.1.77.3", 5000, "to 6000");
  send("239.1.77.3", 5999, "to 6999");
  const textOf = ({ heard }: Listener) => heard.map(({ payload }) => Buffer.from(payload, "hex").toString());
  await until(
    "both",
    () => [...textOf(low), ...textOf(high)],
    ({ length }) => length >= 2,
  );
  // The second came behind all the others on the same way.
  expect([textOf(low), textOf(high)]).toEqual([["to 6000"], ["to 6999"]]);
  await relay.stop();
});

test("of a prefix exactly what 'join' lists is joined, and it is left with the rule; explain tells what that means", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const joined = () =>
    [...lab.ip("relay", "maddr show dev in0").matchAll(/inet\s+(239\S+)/g)].map(([, each]) => each).sort();
  await relay.must({ AddRule: { rule_id: "wide", ...wide, input_join: ["239.1.0.1", "239.1.200.7"] } });
  expect(joined()).toEqual(["239.1.0.1", "239.1.200.7"]);
  const listed = await relay.ctlAs(explained, "explain", "wide");
  expect(listed.Explanation.findings).toContainEqual(
    expect.objectContaining({ verdict: "joins", text: expect.stringContaining("only what join lists") }),
  );
  await relay.must({ AddRule: { rule_id: "wide", ...wide } });
  expect(joined()).toEqual([]);
  const none = await relay.ctlAs(explained, "explain", "wide");
  expect(none.Explanation.findings).toContainEqual(
    expect.objectContaining({ verdict: "joins", text: expect.stringContaining("nothing of 239.1.0.0/16 is joined") }),
  );
  await relay.stop();
});

test("the most specific rule gets a datagram, explain says which and why, and rules that tie are refused", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  await relay.must({ AddRule: { rule_id: "wide", ...wide } });
  const narrow = {
    ...wide,
    rule_id: "narrow",
    input_group: "239.1.5.0/24",
    outputs: [{ group: "239.8.0.1", port: 7000, interface: "out0" }],
  };
  await relay.must({ AddRule: narrow });
  const exact = { ...narrow, rule_id: "exact", input_group: "239.1.5.9", input_port: 5000 };
  await relay.must({ AddRule: exact });
  expect(await relay.send({ AddRule: { ...wide, rule_id: "tie", input_port: "5500-6499" } })).toEqual({
    Error: expect.stringMatching(
      /rule tie takes in0 239\.1\.0\.0\/16:5500-6499 and rule wide takes in0 239\.1\.0\.0\/16:5000-5999/,
    ),
  });
  const verdicts = async (id: string) => {
    const { Explanation } = await relay.ctlAs(explained, "explain", id);
    return Explanation.findings
      .filter(({ verdict }) => verdict.startsWith("goes_"))
      .map(({ verdict, text }) => `${verdict}: ${text}`);
  };
  expect(await verdicts("narrow")).toEqual([
    expect.stringMatching(
      /goes_before: .*rule wide wants in0 239\.1\.0\.0\/16:5000-5999.*its group is a \/24, against a \/16/,
    ),
    expect.stringMatching(
      /goes_behind: .*rule exact wants in0 239\.1\.5\.9:5000.*its group is one address, against a \/24/,
    ),
  ]);
  const frame = udpFrame({ ...sourceAddress, destination: "239.1.5.8", destinationPort: 5001 }, Buffer.from("x"));
  const { stdout } = await relay.tryCtl("explain", "--frame", Buffer.from(frame).toString("hex"), "--interface", "in0");
  expect(stdout).toContain("matches narrow (in0 239.1.5.0/24:5000-5999)");
  expect(stdout).toContain("before wide (in0 239.1.0.0/16:5000-5999): its group is a /24, against a /16");
  for (const [group, port] of [
    ["239.1.5.9", 5000],
    ["239.1.5.9", 5001],
    ["239.1.6.9", 5001],
  ] as const) {
    send(group, port, "x");
  }
  const counts = async () =>
    (await statusOf(relay)).rules.map(({ rule_id, datagrams }) => `${rule_id} ${datagrams}`).sort();
  expect(await until("three datagrams", counts, (all) => all.every((each) => !each.endsWith(" 0")))).toEqual([
    "exact 1",
    "narrow 1",
    "wide 1",
  ]);
  await relay.stop();
});

test("a link that comes later and is named like the rule's pattern joins in, and its going leaves the others alone", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const rule = { rule_id: "wild", ...wide, input_interface: "lan.*", input_join: ["239.1.0.1"] };
  await relay.must({ AddRule: rule });
  const stateOf = async () => (await statusOf(relay)).rules[0];
  expect(await stateOf()).toMatchObject({ state: "pending", reason: "no input link is named lan.*" });
  const sink = await Listener.start(lab, "sink", 6500, { group: "239.9.0.1", linkAddress: "10.0.2.2" });
  const heard = () => sink.heard.map(({ payload }) => Buffer.from(payload, "hex").toString());
  for (const [at, name] of ["lan.1", "lan.2"].entries()) {
    lab.veth(
      { ns: "gen", link: `g${at}`, address: `10.7.${at}.1/24` },
      { ns: "relay", link: name, address: `10.7.${at}.2/24` },
    );
    const isJoined = () => /inet\s+239\.1\.0\.1/.test(lab.ip("relay", `maddr show dev ${name}`));
    await until(`${name} is joined`, isJoined, (is) => is);
    rawsend(lab, "gen", `g${at}`, [
      udpFrame({ ...sourceAddress, destination: "239.1.0.1", destinationPort: 5500 }, Buffer.from(name)),
    ]);
    await until(`a datagram by ${name}`, heard, (all) => all.includes(name));
  }
  lab.ip("relay", "link del lan.1");
  rawsend(lab, "gen", "g1", [
    udpFrame({ ...sourceAddress, destination: "239.1.0.1", destinationPort: 5500 }, Buffer.from("still")),
  ]);
  await until("a datagram by the other", heard, (all) => all.includes("still"));
  expect(heard()).toEqual(["lan.1", "lan.2", "still"]);
  expect(await stateOf()).toMatchObject({ state: "active", datagrams: 3 });
  await relay.stop();
});
