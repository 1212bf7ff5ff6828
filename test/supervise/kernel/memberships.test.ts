import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import { errno } from "../../../src/shim/errno.ts";
import { isFailure } from "../../../src/shim/socket.ts";
import { Links } from "../../../src/supervise/kernel/links.ts";
import { Memberships } from "../../../src/supervise/kernel/memberships.ts";
import { inside } from "../../helpers/enter.ts";
import { Lab } from "../../helpers/namespaces.ts";

const lab = Lab.create("memberships");
const base = parseIpv4("239.1.0.0") ?? 0;
const source = parseIpv4("10.9.9.9") ?? 0;

beforeAll(() => {
  lab.veth({ ns: "far", link: "f0" }, { ns: "relay", link: "r0", address: "10.0.1.2/24" });
});
afterAll(() => lab.close());

function indexOf(name: string): number {
  return inside(lab.ns("relay"), () => {
    const links = Links.open();
    if (isFailure(links)) throw new Error("no links");
    links.close();
    return links.table().get(name)?.index ?? 0;
  });
}

/** Groups of 239/8 that the kernel holds on a link, ascending, from /proc/net/igmp. */
function joined(name: string): number[] {
  const [, own = ""] = lab.read("relay", "/proc/net/igmp").split(new RegExp(`^\\d+\\t${name} .*$`, "m"));
  const [ownOnly = ""] = own.split(/^\d+\t/m);
  // The file prints addresses as they lie in memory: the last byte first.
  const groups = [...ownOnly.matchAll(/^\t\t\t\t([0-9A-F]{8}) /gm)].map(([, hex = ""]) =>
    Number.parseInt(hex.match(/../g)?.reverse().join("") ?? "", 16),
  );
  return groups.filter((group) => group >>> 24 === 239).sort((a, b) => a - b);
}

/** Sources the kernel asks for, as "group source" lines of /proc/net/mcfilter. */
function sources(): string[] {
  const lines = lab.read("relay", "/proc/net/mcfilter").trim().split("\n").slice(1);
  return lines.map((line) => line.trim().split(/\s+/).slice(2, 4).join(" ")).sort();
}

/** A set of memberships inside the relay's namespace. */
function withMemberships(work: (memberships: Memberships, linkIndex: number) => void): void {
  const linkIndex = indexOf("r0");
  inside(lab.ns("relay"), () => {
    const memberships = new Memberships();
    try {
      work(memberships, linkIndex);
    } finally {
      memberships.close();
    }
    expect([memberships.count, memberships.socketCount]).toEqual([0, 0]);
  });
  expect(joined("r0")).toEqual([]);
}

test("60 groups on one link need three sockets, and leave nothing behind", () => {
  withMemberships((memberships, linkIndex) => {
    const groups = Array.from({ length: 60 }, (_, at) => base + at);
    for (const group of groups) expect(memberships.join(linkIndex, group)).toBeUndefined();
    expect(joined("r0")).toEqual(groups);
    expect([memberships.count, memberships.socketCount]).toEqual([60, 3]);
  });
});

test("two users share one membership, and the last to go leaves it", () => {
  withMemberships((memberships, linkIndex) => {
    memberships.join(linkIndex, base);
    memberships.join(linkIndex, base);
    expect(memberships.count).toBe(1);
    memberships.leave(linkIndex, base);
    expect(joined("r0")).toEqual([base]);
    memberships.leave(linkIndex, base);
    expect(joined("r0")).toEqual([]);
    expect(memberships.leave(linkIndex, base)).toBeUndefined();
  });
});

test("one group from 25 sources and from any: the kernel's bounds per socket do not show", () => {
  withMemberships((memberships, linkIndex) => {
    for (let at = 0; at < 25; at++) expect(memberships.join(linkIndex, base, source + at)).toBeUndefined();
    expect(sources()).toHaveLength(25);
    expect(sources()[0]).toBe("0xef010000 0x0a090909");
    expect(memberships.join(linkIndex, base)).toBeUndefined();
    expect([memberships.count, memberships.socketCount]).toEqual([26, 4]);
    for (let at = 0; at < 25; at++) expect(memberships.leave(linkIndex, base, source + at)).toBeUndefined();
    expect(memberships.socketCount).toBe(1);
    expect(joined("r0")).toEqual([base]);
  });
});

test("a place that became free is used again", () => {
  withMemberships((memberships, linkIndex) => {
    for (let at = 0; at < 40; at++) memberships.join(linkIndex, base + at);
    for (let at = 0; at < 40; at += 4) memberships.leave(linkIndex, base + at);
    for (let at = 100; at < 110; at++) expect(memberships.join(linkIndex, base + at)).toBeUndefined();
    expect([memberships.count, memberships.socketCount]).toEqual([40, 2]);
  });
});

test("sync holds exactly what is wanted, with a user for each time it is named", () => {
  withMemberships((memberships, linkIndex) => {
    const of = (at: number) => ({ linkIndex, group: base + at, source: 0 });
    expect(memberships.sync([of(1), of(2), of(2)])).toEqual([]);
    expect(memberships.sync([of(2), of(2), of(3)])).toEqual([]);
    expect(joined("r0")).toEqual([base + 2, base + 3]);
    memberships.leave(linkIndex, base + 2);
    expect(joined("r0")).toEqual([base + 2, base + 3]);
    memberships.leave(linkIndex, base + 2);
    expect(joined("r0")).toEqual([base + 3]);
  });
});

test("what is refused is named and not held, and does not keep others from being joined", () => {
  withMemberships((memberships, linkIndex) => {
    const bad = { linkIndex: 9999, group: base, source: 0 };
    const good = { linkIndex, group: base, source: 0 };
    expect(memberships.sync([bad, good])).toEqual([{ ...bad, step: "MCAST_JOIN_GROUP", errno: errno.ENODEV }]);
    expect(memberships.count).toBe(1);
    expect(memberships.join(9999, base + 1)).toEqual({ step: "MCAST_JOIN_GROUP", errno: errno.ENODEV });
    expect(memberships.count).toBe(1);
  });
});

test("a unicast input needs no membership", () => {
  withMemberships((memberships, linkIndex) => {
    expect(memberships.join(linkIndex, source)).toBeUndefined();
    expect(memberships.sync([{ linkIndex, group: source, source: 0 }])).toEqual([]);
    expect([memberships.count, memberships.socketCount]).toEqual([0, 0]);
  });
});

test("no place at all (igmp_max_memberships 0) is an error, not a hunt for sockets", () => {
  lab.sysctl("relay", "net.ipv4.igmp_max_memberships", 0);
  withMemberships((memberships, linkIndex) => {
    expect(memberships.join(linkIndex, base)).toMatchObject({ errno: errno.ENOBUFS });
    expect(memberships.socketCount).toBe(0);
  });
  lab.sysctl("relay", "net.ipv4.igmp_max_memberships", 20);
});

test("2,000 groups are joined and left", () => {
  withMemberships((memberships, linkIndex) => {
    const wanted = Array.from({ length: 2000 }, (_, at) => ({ linkIndex, group: base + at, source: 0 }));
    expect(memberships.sync(wanted)).toEqual([]);
    expect(joined("r0")).toHaveLength(2000);
    expect(memberships.socketCount).toBe(100);
    expect(memberships.sync(wanted.slice(0, 10))).toEqual([]);
    expect(joined("r0")).toHaveLength(10);
  });
});

test("leaving on a link that is gone is no error, and rejoin serves a link that took its index", () => {
  const addLink = () => lab.ip("relay", "link add name t0 index 77 type veth peer name t1");
  addLink();
  lab.ip("relay", "link set t0 up");
  inside(lab.ns("relay"), () => {
    const memberships = new Memberships();
    expect([base, base + 1].map((group) => memberships.join(77, group))).toEqual([undefined, undefined]);
    expect(memberships.join(77, base, source)).toBeUndefined();
    lab.ip("relay", "link del t0");
    addLink();
    lab.ip("relay", "link set t0 up");
    expect(joined("t0")).toEqual([]);
    expect(memberships.rejoin(77)).toEqual([]);
    expect(joined("t0")).toEqual([base, base + 1]);
    lab.ip("relay", "link del t0");
    expect(memberships.leave(77, base)).toBeUndefined();
    expect(memberships.leave(77, base, source)).toBeUndefined();
    expect(memberships.leave(77, base + 1)).toBeUndefined();
    expect([memberships.count, memberships.socketCount]).toEqual([0, 0]);
  });
});

test("memberships that are handed on are neither left nor joined, and the new owner leaves what nobody wants", () => {
  const linkIndex = indexOf("r0");
  inside(lab.ns("relay"), () => {
    const before = new Memberships();
    const of = (group: number, from = 0) => ({ linkIndex, group, source: from });
    before.sync([of(base + 1), of(base + 2), of(base + 3, source)]);
    const after = new Memberships();
    after.inherit(before.bequest);
    expect([after.count, after.socketCount]).toEqual([3, 2]);
    expect(after.holders()).toEqual(before.holders());
    after.sync([of(base + 2), of(base + 4)]);
    expect(after.list().map(({ group }) => group - base)).toEqual([2, 4]);
    after.close();
    expect([after.count, after.socketCount]).toEqual([0, 0]);
  });
  expect(joined("r0")).toEqual([]);
});
