// Memberships that a snooping switch believes: more groups on a link than one socket may hold.
//
//   gen out0 ── p0 ┐
//                  ├ br0 (namespace switch: snooping, querier) ── p1 ── in0 relay out0 ── in0 sink
//   other in0 ─ p2 ┘
import { afterAll, afterEach, expect, test } from "bun:test";
import { Relay } from "../helpers/relay.ts";
import { heardByOther, isFlooding, learnt, snoopingBench } from "../helpers/snooping.ts";
import { generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = snoopingBench("memberships", { querier: true, address: "10.0.1.254/24" });
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const groupCount = 60;
const perGroup = 50;
const groupsOf = (prefix: string) => Array.from({ length: groupCount }, (_, index) => `${prefix}.${index + 1}`);

/** The groups that /proc/net/igmp shows on a link; addresses stand there as a little-endian word. */
function joinedOn(link: string): string[] {
  const blocks = lab.read("relay", "/proc/net/igmp").split(/\n(?=\d)/);
  const own = blocks.find((block) => block.split(/\s+/)[1] === link) ?? "";
  return [...own.matchAll(/^\t+([0-9A-F]{8}) /gm)].map(([, word = ""]) =>
    [6, 4, 2, 0].map((at) => Number.parseInt(word.slice(at, at + 2), 16)).join("."),
  );
}

test("60 groups on one link arrive through a switch that snoops, and each is left when its rule is removed", async () => {
  expect(lab.read("relay", "/proc/sys/net/ipv4/igmp_max_memberships").trim()).toBe("20");
  const relay = await Relay.start(lab, "relay");
  const inputs = groupsOf("239.1.1");
  for (const [index, group] of inputs.entries()) {
    const output = { group: `239.2.2.${index + 1}`, port: 6000, interface: "out0" };
    const rule = { name: group, input_interface: "in0", input_group: group, input_port: 5000, outputs: [output] };
    await relay.must({ AddRule: rule });
  }
  const own = () => joinedOn("in0").filter((group) => group.startsWith("239."));
  expect(own().sort()).toEqual([...inputs].sort());
  await until(
    "the switch has learnt all groups",
    () => learnt(lab),
    (groups) => groups.length === groupCount,
  );
  await until(
    "the switch no longer floods",
    () => isFlooding(lab),
    (floods) => !floods,
  );

  const many = ["--flows", `${groupCount}`, "--flow-step", "group"];
  const total = groupCount * perGroup;
  const sink = await Sink.start(lab, "sink", [
    ...["--group", "239.2.2.1", "--port", "6000", "--interface", "in0", ...many, "--expect", `${total}`],
  ]);
  const quietBefore = heardByOther(lab);
  const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", ...many];
  await generate(lab, "gen", [...stream, "--rate", "6k", "--count", `${total}`]);
  const received = await sink.received();
  expect(received).toMatchObject({ ...intact, received: total });
  expect(received.flows.map((flow) => flow.received)).toEqual(inputs.map(() => perGroup));
  // The switch does snoop: a port without members hears next to nothing (its own queries).
  expect(heardByOther(lab) - quietBefore).toBeLessThan(perGroup);

  await relay.must({ RemoveRuleByName: { name: "239.1.1.7" } });
  expect(own()).toHaveLength(groupCount - 1);
  expect(own()).not.toContain("239.1.1.7");
  for (const name of own()) await relay.must({ RemoveRuleByName: { name } });
  expect(own()).toEqual([]);
  await until(
    "the switch has forgotten all groups",
    () => learnt(lab),
    (groups) => groups.length === 0,
  );
  await relay.stop();
});

test("two rules with one group share a membership, and the last one leaves it", async () => {
  const relay = await Relay.start(lab, "relay");
  const rule = (name: string, port: number) => ({
    AddRule: {
      ...{ name, input_interface: "in0", input_group: "239.1.1.1", input_port: port },
      outputs: [{ group: "239.2.2.1", port: 6000, interface: "out0" }],
    },
  });
  await relay.must(rule("one", 5000));
  await relay.must(rule("two", 5001));
  expect(joinedOn("in0")).toContain("239.1.1.1");
  await relay.must({ RemoveRuleByName: { name: "one" } });
  expect(joinedOn("in0")).toContain("239.1.1.1");
  await relay.must({ RemoveRuleByName: { name: "two" } });
  expect(joinedOn("in0")).not.toContain("239.1.1.1");
  await relay.stop();
});

test("a rule with a source joins that source only, and takes nothing from another", async () => {
  const relay = await Relay.start(lab, "relay");
  const output = { group: "239.2.2.1", port: 6000, interface: "out0" };
  const input = { input_interface: "in0", input_group: "232.1.1.1", input_port: 5000, input_source: "10.0.1.1" };
  await relay.must({ AddRule: { name: "ssm", ...input, outputs: [output] } });
  // The source stands in its own table, addresses as big-endian words there: group 232.1.1.1, source 10.0.1.1.
  expect(lab.read("relay", "/proc/net/mcfilter")).toMatch(/in0 +0xe8010101 0x0a000101 +1 /);
  lab.ip("gen", "addr add 10.0.1.9/24 dev out0");
  const listen = ["--group", "239.2.2.1", "--port", "6000", "--interface", "in0", "--expect", "100"];
  const sink = await Sink.start(lab, "sink", listen);
  const stream = ["--group", "232.1.1.1", "--port", "5000", "--interface", "out0", "--count", "100"];
  await generate(lab, "gen", [...stream, "--source-ip", "10.0.1.9"]);
  await generate(lab, "gen", [...stream, "--source-ip", "10.0.1.1"]);
  expect(await sink.received()).toMatchObject({ ...intact, received: 100, streams: 1 });
  await relay.stop();
  expect(lab.read("relay", "/proc/net/mcfilter")).not.toContain("0xe8010101");
});
