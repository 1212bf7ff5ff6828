import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import { makeRule, type Rule } from "../../../src/rules/schema.ts";
import { type Facts, type LinkUse, reasonToPass, takerOf } from "../../../src/supervise/ending/ending-policy.ts";
import { groupKey, type Listeners } from "../../../src/supervise/ending/listeners.ts";
import type { Link } from "../../../src/supervise/kernel/links.ts";
import type { BoundSocket } from "../../../src/supervise/kernel/socket-diag.ts";

const ownInode = 77;
const proxy = { address: 0x7f000001, port: 1234, inode: 1, isTransparent: true };
const ownProxy = { ...proxy, inode: ownInode };
const group = parseIpv4("239.1.1.1") ?? 0;
const local = parseIpv4("10.0.1.2") ?? 0;

function linkWith(fields: Partial<Link> = {}): Link {
  return {
    index: 2,
    name: "in0",
    isUp: true,
    isLoopback: false,
    mtu: 1500,
    masterIndex: 0,
    macType: 1,
    addresses: [],
    ...fields,
  };
}

function ruleWith(fields: Partial<Rule> = {}): Rule {
  const draft = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000, input_protocol: 17, outputs: [] };
  return { ...makeRule(draft, "Dynamic"), ...fields };
}

type Given = Partial<Omit<Listeners, "isOwn">> & { use?: Partial<LinkUse> };

function reason(rule: Rule, { use, ...listeners }: Given = {}): string | undefined {
  const facts: Facts = {
    listeners: {
      udp: new Map(),
      transparent: [],
      raw: new Map(),
      packet: [],
      joined: new Set(),
      ...listeners,
      isOwn: (inode) => inode === ownInode,
    },
    useOf: () => ({ forwardsMulticast: false, forwardsUnicast: false, ...use }),
    addresses: new Set([local]),
  };
  return reasonToPass(rule, linkWith(), facts);
}

const bound = (address: number, inode = 1, port = 5000): ReadonlyMap<number, readonly BoundSocket[]> =>
  new Map([[port, [{ address, port, inode }]]]);

describe("datagrams of a rule", () => {
  const unicast = ruleWith({ input_group: "10.0.1.2" });
  const elsewhere = ruleWith({ input_group: "10.9.9.9" });
  const esp = ruleWith({ input_protocol: 50, input_port: 0 });
  const cases: [name: string, rule: Rule, given: Given, said: RegExp | undefined][] = [
    ["end when nobody else wants them", ruleWith(), {}, undefined],
    ["end when they are unicast to this host", unicast, { use: { forwardsUnicast: true } }, undefined],
    ["end when they are for nobody, and nothing is routed", elsewhere, {}, undefined],
    [
      "pass on a router when they are for others",
      elsewhere,
      { use: { forwardsUnicast: true } },
      /10\.9\.9\.9 is no address/,
    ],
    ["pass where the kernel routes multicast", ruleWith(), { use: { forwardsMulticast: true } }, /routes multicast/],
    ["end where it routes multicast and they are unicast", unicast, { use: { forwardsMulticast: true } }, undefined],
    ["pass when a bridge has the link", ruleWith(), { use: { takenBy: "br0" } }, /br0 takes the frames of in0/],
    ["pass when a socket is bound to the port", ruleWith(), { udp: bound(0) }, /bound to 239\.1\.1\.1:5000/],
    ["pass when a socket is bound to group and port", ruleWith(), { udp: bound(group) }, /bound to/],
    ["end when it is bound to another address", ruleWith(), { udp: bound(local) }, undefined],
    ["end when it is bound to another port", ruleWith(), { udp: bound(0, 1, 5001) }, undefined],
    ["end when the socket is our own", ruleWith(), { udp: bound(0, ownInode) }, undefined],
    [
      "pass when another socket has joined the group",
      ruleWith(),
      { joined: new Set([groupKey(2, group)]) },
      /joined 239/,
    ],
    ["end when it is joined on another link", ruleWith(), { joined: new Set([groupKey(3, group)]) }, undefined],
    ["pass to a raw socket for UDP", ruleWith(), { raw: bound(0, 1, 17) }, /raw socket/],
    ["end beside a raw socket for ICMP", ruleWith(), { raw: bound(0, 1, 1) }, undefined],
    [
      "pass to a tap behind tc ingress",
      ruleWith(),
      { packet: [{ protocol: 0x800, linkIndex: 0, inode: 1 }] },
      /taps the IPv4/,
    ],
    ["end beside a tap before it", ruleWith(), { packet: [{ protocol: 3, linkIndex: 2, inode: 1 }] }, undefined],
    [
      "end beside a tap of another link",
      ruleWith(),
      { packet: [{ protocol: 0x800, linkIndex: 3, inode: 1 }] },
      undefined,
    ],
    ["pass while a transparent proxy listens, for a host", elsewhere, { transparent: [proxy] }, /transparent socket/],
    ["end beside a transparent proxy, for a group", ruleWith(), { transparent: [proxy] }, undefined],
    ["end when the transparent socket is our own", elsewhere, { transparent: [ownProxy] }, undefined],
    ["pass when they are ESP", esp, {}, /IPsec/],
    ["end when they are ESP and the rule is exclusive", { ...esp, exclusive: true }, {}, undefined],
    ["end when the rule is exclusive, whoever listens", ruleWith({ exclusive: true }), { udp: bound(0) }, undefined],
    ["pass when the rule is not exclusive", ruleWith({ exclusive: false }), {}, /not exclusive/],
  ];

  test.each(cases)("%s", (_name, rule, given, said) => {
    if (said === undefined) expect(reason(rule, given)).toBeUndefined();
    else expect(reason(rule, given)).toMatch(said);
  });
});

describe("the frames of a link", () => {
  const table = (...links: Link[]) => new Map(links.map((link) => [link.name, link]));
  const upper = (kind: string) => linkWith({ index: 9, name: "up0", kind, lowerIndex: 2 });

  test("are its own, also with VLANs on it", () => {
    expect(takerOf(linkWith(), table(linkWith(), upper("vlan")))).toBeUndefined();
  });

  test("go to its bridge, but a VRF only routes them", () => {
    const port = linkWith({ masterIndex: 5 });
    expect(takerOf(port, table(port, linkWith({ index: 5, name: "br0", kind: "bridge" })))).toBe("br0");
    expect(takerOf(port, table(port, linkWith({ index: 5, name: "red", kind: "vrf" })))).toBeUndefined();
    expect(takerOf(port, table(port))).toBe("link 5");
  });

  test("are shared with the links that stand on it without a tag", () => {
    for (const kind of ["macvlan", "macvtap", "ipvlan", "ipvtap"])
      expect(takerOf(linkWith(), table(linkWith(), upper(kind)))).toBe("up0");
  });
});
