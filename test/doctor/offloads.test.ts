import { expect, test } from "bun:test";
import { judgeOffloads, type OffloadFacts } from "../../src/doctor/offloads.ts";
import { commandLine } from "../../src/doctor/verdict.ts";

const [on, off] = [
  { isOn: true, isFixed: false },
  { isOn: false, isFixed: false },
];
const usual = {
  "rx-gro": on,
  "rx-gro-list": off,
  "rx-udp-gro-forwarding": off,
  "rx-lro": off,
  "rx-vlan-hw-parse": on,
  "tx-checksum-ip-generic": on,
};

/** id, severity and commands of what is said of eth0. */
function told(changes: Record<string, { isOn: boolean; isFixed: boolean }>, facts: Partial<OffloadFacts> = {}) {
  const features = new Map(Object.entries({ ...usual, ...changes }));
  const all = { link: "eth0", isInput: true, isOutput: true, hasVlans: false, features, ...facts };
  return judgeOffloads(all).map(({ id, severity, commands = [] }) => [id, severity, ...commands.map(commandLine)]);
}

test("a usual card is fine, as input and as output", () => {
  expect(told({})).toEqual([
    ["gro", "fine"],
    ["gso", "fine"],
  ]);
  expect(told({}, { isOutput: false })).toEqual([["gro", "fine"]]);
  expect(told({}, { isInput: false })).toEqual([["gso", "fine"]]);
});

test("both ways of merging UDP are turned off by one command, and do nothing without GRO", () => {
  const merging = { "rx-gro-list": on, "rx-udp-gro-forwarding": on };
  expect(told(merging)[0]).toEqual(["gro", "warning", "ethtool -K eth0 rx-gro-list off rx-udp-gro-forwarding off"]);
  expect(told({ ...merging, "rx-gro": off })[0]).toEqual(["gro", "fine"]);
  expect(told({ "rx-lro": on })[0]).toEqual(["gro", "warning", "ethtool -K eth0 rx-lro off"]);
});

test("VLAN offload matters where VLANs stand on the link", () => {
  expect(told({ "rx-vlan-hw-parse": off })).toHaveLength(2);
  const vlans = { hasVlans: true, isOutput: false };
  expect(told({}, vlans)[1]).toEqual(["vlan-offload", "fine"]);
  expect(told({ "rx-vlan-hw-parse": off }, vlans)[1]).toEqual([
    "vlan-offload",
    "note",
    "ethtool -K eth0 rx-vlan-hw-parse on",
  ]);
  expect(told({ "rx-vlan-hw-parse": { isOn: false, isFixed: true } }, vlans)[1]).toEqual(["vlan-offload", "note"]);
});

test("an output without checksum offload is warned of, unless its driver has none", () => {
  expect(told({ "tx-checksum-ip-generic": off })[1]).toEqual([
    "gso",
    "warning",
    "ethtool -K eth0 tx-checksum-ip-generic on",
  ]);
  expect(told({ "tx-checksum-ip-generic": { isOn: false, isFixed: true } })[1]).toEqual(["gso", "fine"]);
});

test("a link that cannot be asked is unseen, with the reason", () => {
  const [verdict] = judgeOffloads({
    ...{ link: "eth0", isInput: true, isOutput: true, hasVlans: false },
    features: undefined,
    refusal: "EOPNOTSUPP",
  });
  expect(verdict).toMatchObject({ severity: "unseen", what: "The features of eth0 could not be read (EOPNOTSUPP)." });
});
