import { describe, expect, test } from "bun:test";
import {
  groupKey,
  hasIpv6Sockets,
  joinedByOthers,
  parseMemberships,
  parsePacketSockets,
  parseSockets,
} from "../../../src/supervise/ending/listeners.ts";

const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  512: 00000000:1388 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0
  513: 010101EF:1389 0201000A:0035 01 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0
`;
const udp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 2004: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   105        0 31 2 0000000000000000 0
 2005: 0000000000000000FFFF00000201000A:14EA 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   105        0 32 2 0000000000000000 0
 2006: 000080FE000000000000000001000000:14EB 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   105        0 33 2 0000000000000000 0
`;

describe("/proc/net", () => {
  test("says which address and port a UDP socket has", () => {
    expect(parseSockets(udp)).toEqual([
      { address: 0, port: 5000, inode: 4711 },
      { address: 0xef010101, port: 5001, inode: 4712 },
    ]);
  });

  test("says which sockets of IPv6 hear IPv4: any address and mapped ones", () => {
    expect(parseSockets(udp6)).toEqual([
      { address: 0, port: 5353, inode: 31 },
      { address: 0x0a000102, port: 5354, inode: 32 },
    ]);
  });

  test("says what taps take and where", () => {
    const text = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
0000000000000000 3      3    0003   2     1 0      0      9001  
0000000000000000 3      2    0800   0     1 0      0      9002  
`;
    expect(parsePacketSockets(text)).toEqual([
      { protocol: 3, linkIndex: 2, inode: 9001 },
      { protocol: 0x0800, linkIndex: 0, inode: 9002 },
    ]);
  });

  test("says how many sockets hold a group", () => {
    const text = `Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
1\tlo        :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
12\tin0       :     2      V3
\t\t\t\t010101EF     3 0:00000000\t\t1
\t\t\t\t010000E0     1 0:00000000\t\t0
`;
    expect([...parseMemberships(text)]).toEqual([
      [groupKey(1, 0xe0000001), 1],
      [groupKey(12, 0xef010101), 3],
      [groupKey(12, 0xe0000001), 1],
    ]);
  });

  test("says whether there are UDP sockets of IPv6 at all; what it does not say counts as yes", () => {
    const text = (count: number) => `TCP6: inuse 0\nUDP6: inuse ${count}\nUDPLITE6: inuse 0\n`;
    expect([0, 1, 10].map((count) => hasIpv6Sockets(text(count)))).toEqual([false, true, true]);
    expect(hasIpv6Sockets("")).toBe(true);
  });

  test("and whatever is no line of a table says nothing", () => {
    for (const parse of [parseSockets, parsePacketSockets]) expect(parse("\n  garbage\n1: 2\n")).toEqual([]);
    expect(parseMemberships("\n  garbage\n").size).toBe(0);
  });
});

test("a group is joined by others when it has more users than we are", () => {
  const users = new Map([
    ["2 1", 1],
    ["2 2", 2],
    ["2 3", 1],
  ]);
  const own = new Map([
    ["2 1", 1],
    ["2 2", 1],
  ]);
  expect([...joinedByOthers(users, own)]).toEqual(["2 2", "2 3"]);
});
