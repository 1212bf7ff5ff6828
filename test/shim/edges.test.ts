// What a loop must not spin on, and what must wake it all the same: capture sockets, on both kinds of ring.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../src/base/ipv4.ts";
import { map } from "../../src/shim/memory.ts";
import { PollRing } from "../../src/shim/poll-ring.ts";
import { pollBits, type Ring, Uring } from "../../src/shim/ring.ts";
import { closeSocket, connect, isFailure, openUdp, send } from "../../src/shim/socket.ts";
import { CaptureGroup } from "../../src/supervise/capture/capture-sockets.ts";
import { Links } from "../../src/supervise/kernel/links.ts";
import { inside } from "../helpers/enter.ts";
import { Lab } from "../helpers/namespaces.ts";

const lab = Lab.create("edges");
const shape = { entries: 64, sendsMax: 8, piecesMax: 64 };
const payload = map(64);
const group = parseIpv4("239.1.1.1") ?? 0;
const token = 0x2000;
const kinds: [kind: string, open: () => Ring][] = [
  ["io_uring", () => new Uring(shape)],
  ["ppoll", () => new PollRing(shape)],
];

beforeAll(() => {
  lab.veth({ ns: "gen", link: "g0", address: "10.0.1.1/24" }, { ns: "relay", link: "r0", address: "10.0.1.2/24" });
  lab.ip("gen", "route add 239.0.0.0/8 dev g0");
});
afterAll(() => {
  payload.close();
  lab.close();
});

function must<T>(value: T): Exclude<T, undefined | { errno: number }> {
  if (value === undefined || isFailure(value)) throw new Error(`refused: ${Bun.inspect(value)}`);
  return value as Exclude<T, undefined | { errno: number }>;
}

/** A capture of a link of the relay's, whose slots nobody ever gives back. */
function capture(link: string): CaptureGroup & { fd: number } {
  return inside(lab.ns("relay"), () => {
    const links = must(Links.open());
    const tap = new CaptureGroup(must(links.table().get(link)));
    links.close();
    const { fd } = must(tap.open(1 << 20));
    expect(tap.want([{ address: group, protocol: 17 }])).toBeUndefined();
    return Object.assign(tap, { fd });
  });
}

/** Datagrams to the group, from the other end of r0; veth delivers at once. */
function sendFrames(count: number): void {
  const fd = must(inside(lab.ns("gen"), () => openUdp()));
  expect(connect(fd, group, 5000)).toBeUndefined();
  for (let each = 0; each < count; each++) expect(send(fd, payload, 10)).toBe(10);
  closeSocket(fd);
}

/** How often a wait came back with something, and the bits it said, in this time. */
function news(ring: Ring, ms: number): { times: number; bits: number } {
  const end = performance.now() + ms;
  const found = { times: 0, bits: 0 };
  while (performance.now() < end) {
    const count = ring.wait(0, 20_000);
    for (let at = 0; at < count; at++) {
      found.times++;
      found.bits |= ring.result(at);
    }
  }
  return found;
}

describe.each(kinds)("a ring by %s", (_, open) => {
  test("is silent about frames that lie in a capture ring, and wakes with the next one", () => {
    const ring = open();
    const tap = capture("r0");
    ring.poll(tap.fd, pollBits.in, token);
    expect(news(ring, 50)).toEqual({ times: 0, bits: 0 });
    for (let round = 0; round < 3; round++) {
      sendFrames(3);
      const { times, bits } = news(ring, 100);
      expect(times).toBeGreaterThanOrEqual(1);
      expect(times).toBeLessThanOrEqual(3);
      expect(bits & pollBits.in).toBe(pollBits.in);
      // The slots are ours and stay so; poll(2) would say again and again that there is something.
      expect(news(ring, 60)).toEqual({ times: 0, bits: 0 });
    }
    ring.close();
    tap.close();
  });

  test("says that a link is gone, a few times at most, and sleeps on", () => {
    const ring = open();
    lab.veth({ ns: "gen", link: "g1" }, { ns: "relay", link: "r1" });
    const tap = capture("r1");
    ring.poll(tap.fd, pollBits.in, token);
    expect(news(ring, 50)).toEqual({ times: 0, bits: 0 });
    lab.ip("relay", "link del r1");
    const { times, bits } = news(ring, 200);
    expect(bits & pollBits.error).toBe(pollBits.error);
    expect(times).toBeLessThanOrEqual(4);
    expect(news(ring, 100)).toEqual({ times: 0, bits: 0 });
    ring.close();
    tap.close();
  });
});
