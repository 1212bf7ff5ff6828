import { expect, test } from "bun:test";
import fc from "fast-check";
import { tableOf } from "../../../src/supervise/kernel/links.ts";
import {
  addressesRequest,
  linksRequest,
  parseAddress,
  parseAnswer,
  parseLink,
  routeRequest,
} from "../../../src/supervise/kernel/netlink.ts";

const bytes16 = (value: number) => [value & 0xff, (value >> 8) & 0xff];
const bytes32 = (value: number) => [...bytes16(value & 0xffff), ...bytes16(value >>> 16)];
const padded = (bytes: number[]) => [...bytes, ...Array<number>((4 - (bytes.length % 4)) % 4).fill(0)];
const attribute = (type: number, value: number[]) => padded([...bytes16(4 + value.length), ...bytes16(type), ...value]);
const text = (value: string) => [...new TextEncoder().encode(value), 0];

function message(type: number, flags: number, sequence: number, body: number[]): number[] {
  return padded([
    ...bytes32(16 + body.length),
    ...bytes16(type),
    ...bytes16(flags),
    ...bytes32(sequence),
    ...bytes32(0),
    ...body,
  ]);
}

function linkBody(index: number, flags: number, macType: number, ...attributes: number[][]): number[] {
  return [0, 0, ...bytes16(macType), ...bytes32(index), ...bytes32(flags), ...bytes32(0), ...attributes.flat()];
}

const eth1 = linkBody(
  7,
  0x11003,
  1,
  attribute(3, text("eth1")),
  attribute(4, bytes32(9000)),
  attribute(16, [6]),
  attribute(10, bytes32(3)),
  attribute(18 | 0x8000, [...attribute(1, text("vlan")), ...attribute(2, bytes32(9))]),
);
const eth1Address = [2, 24, 0, 0, ...bytes32(7), ...attribute(1, [10, 0, 0, 2]), ...attribute(2, [10, 0, 0, 1])];

test("a link is read with its name, MTU, master, kind and kind of header", () => {
  expect(parseLink(Uint8Array.from(eth1))).toEqual({
    index: 7,
    name: "eth1",
    isUp: true,
    isLoopback: false,
    mtu: 9000,
    kind: "vlan",
    masterIndex: 3,
    macType: 1,
  });
});

test("a link is up when it was set up and has a carrier, whatever its operational state still says", () => {
  const [setUp, carrier, down] = [0x1, 0x1_0000, 2];
  const isUp = (flags: number) =>
    parseLink(Uint8Array.from(linkBody(1, flags, 1, attribute(3, text("a")), attribute(16, [down]))))?.isUp;
  expect([setUp | carrier, setUp, carrier, 0].map(isUp)).toEqual([true, false, false, false]);
});

test("the address of a link is its own end, not the other one's", () => {
  expect(parseAddress(Uint8Array.from(eth1Address))).toEqual({ linkIndex: 7, address: 0x0a000001, prefix: 24 });
  expect(parseAddress(Uint8Array.from([10, ...eth1Address.slice(1)]))).toBeUndefined();
});

test("an answer gives the messages of this question alone, up to its end", () => {
  const datagram = Uint8Array.from([
    ...message(16, 2, 5, eth1),
    ...message(16, 2, 6, eth1),
    ...message(16, 0x12, 6, eth1),
    ...message(3, 2, 6, bytes32(0)),
    ...message(16, 2, 6, eth1),
  ]);
  const answer = parseAnswer(datagram, 6);
  expect(answer.messages.map((each) => parseLink(each.body)?.name)).toEqual(["eth1", "eth1"]);
  expect(answer).toMatchObject({ isDone: true, isInterrupted: true, errno: 0 });
  expect(parseAnswer(datagram.subarray(0, 3 * (16 + eth1.length)), 6)).toMatchObject({ isDone: false, errno: 0 });
});

test("errors are read from an error message, and from the end of a dump", () => {
  const refused = (type: number, code: number) => parseAnswer(Uint8Array.from(message(type, 0, 1, bytes32(code))), 1);
  expect(refused(2, -13)).toMatchObject({ isDone: true, errno: 13 });
  expect(refused(3, -4)).toMatchObject({ isDone: true, errno: 4 });
  expect(refused(2, 0)).toMatchObject({ isDone: true, errno: 0 });
  expect(refused(4, 0)).toMatchObject({ isDone: true, errno: 105 });
});

test("what is cut short ends the answer with EIO", () => {
  const whole = Uint8Array.from(message(16, 2, 1, eth1));
  for (const size of [1, 15, 16, whole.length - 1]) {
    expect(parseAnswer(whole.subarray(0, size), 1)).toMatchObject({ isDone: true, errno: 5 });
  }
  expect(parseAnswer(Uint8Array.from([...bytes32(15), ...Array(12).fill(0)]), 1)).toMatchObject({
    isDone: true,
    errno: 5,
  });
});

test("whatever bytes come, no parser throws or runs on", () => {
  const shape = { minLength: 0, maxLength: 200 };
  fc.assert(
    fc.property(fc.uint8Array(shape), (bytes) => {
      parseLink(bytes);
      parseAddress(bytes);
      expect(parseAnswer(bytes, 0).messages.length).toBeLessThanOrEqual(bytes.length / 16);
    }),
  );
});

test("a good answer with any bytes overwritten is still read without a throw, and links keep a name", () => {
  const good = [...message(16, 2, 1, eth1), ...message(20, 2, 1, eth1Address), ...message(3, 2, 1, bytes32(0))];
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = Uint8Array.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      const bodies = parseAnswer(bytes, 1).messages.map((each) => each.body);
      const table = tableOf(bodies.map(parseLink), bodies.map(parseAddress));
      expect([...table.keys()].every((name) => name.length > 0)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("requests carry their own size, and a route is asked for by destination and link", () => {
  for (const request of [linksRequest(1), addressesRequest(2), routeRequest(3, 0x0a090909, 4)]) {
    expect(new DataView(request.buffer).getUint32(0, true)).toBe(request.length);
  }
  const route = [...routeRequest(3, 0x0a090909, 4)];
  expect(route.slice(28)).toEqual([8, 0, 1, 0, 10, 9, 9, 9, 8, 0, 4, 0, 4, 0, 0, 0]);
});
