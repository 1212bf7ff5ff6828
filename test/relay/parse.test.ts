import { expect, test } from "bun:test";
import { refusals } from "../../src/relay/counters.ts";
import { Datagram, parse } from "../../src/relay/parse.ts";
import { plainSlot, SlotMemory, type SlotPlan } from "../helpers/capture-slot.ts";

const memory = new SlotMemory();
const out = new Datagram();

function said(changes: Partial<SlotPlan>): string {
  const plan = { ...plainSlot, ...changes };
  memory.fill(plan);
  const refused = parse(memory.views, memory.slot, plan.status, memory.address, memory.onesSum, out);
  return refused === 0 ? "accepted" : (refusals[refused - 1] ?? `refusal ${refused}`);
}

const partial = 8;
const valid = 128;
const tagged = 16;

test.each([
  ["a multicast UDP datagram", {}, "accepted"],
  ["one without payload", { payloadSize: 0 }, "accepted"],
  ["one with an odd payload", { payloadSize: 101 }, "accepted"],
  ["one behind 40 bytes of IP options", { optionsSize: 40 }, "accepted"],
  ["one with link padding", { payloadSize: 4, padding: 14 }, "accepted"],
  ["one that promises less than IP carries", { udpSizeError: -4, hasUdpSum: false }, "accepted"],
  ["one without a UDP checksum", { hasUdpSum: false }, "accepted"],
  ["one of a link without headers", { linkSize: 0 }, "accepted"],
  ["ESP", { protocol: 50 }, "accepted"],
  ["ESP whose payload nobody vouches for", { protocol: 50, flipAt: 60, flipTo: 1 }, "accepted"],
  ["a priority tag, which is no other network", { status: 1 | tagged, vlanTci: 0xe000 }, "accepted"],
  ["VLAN 600", { status: 1 | tagged, vlanTci: 0xe258 }, "vlan"],
  ["another protocol than IPv4", { etherType: 0x86dd }, "not_ipv4"],
  ["a frame of our own", { packetType: 4 }, "own_transmission"],
  ["a frame for another host", { packetType: 3 }, "other_host"],
  ["a datagram cut by the slot", { cut: 1 }, "truncated"],
  ["a frame cut in its IP header", { cut: 120 }, "truncated"],
  ["a total length beyond the frame", { totalError: 4 }, "truncated"],
  ["a version that is not 4", { flipAt: 0, flipTo: 0x65 }, "ip_header"],
  ["a header of 16 bytes", { flipAt: 0, flipTo: 0x44 }, "ip_header"],
  ["a broken IP checksum", { ipSumError: 1 }, "ip_checksum"],
  ["a first fragment", { fragmentWord: 0x2000 }, "fragment"],
  ["a last fragment", { fragmentWord: 0x0001 }, "fragment"],
  ["don't-fragment, which is none", { fragmentWord: 0x4000 }, "accepted"],
  ["TCP", { protocol: 6 }, "protocol"],
  ["a UDP length below 8", { udpSizeError: -101 }, "udp_length"],
  ["a UDP length beyond the datagram", { udpSizeError: 1 }, "udp_length"],
  ["a broken UDP checksum", { udpSumError: 1 }, "udp_checksum"],
  ["a damaged payload", { flipAt: 60, flipTo: 1 }, "udp_checksum"],
  ["a damaged payload that the card has checked", { flipAt: 60, flipTo: 1, status: 1 | valid }, "accepted"],
  ["a checksum still to be made by the sender's card", { udpSumError: 5, status: 1 | partial }, "accepted"],
  ["a super-frame of TCP segments", { gsoType: 1, gsoSize: 20, protocol: 6 }, "protocol"],
  ["a UDP frame that claims TCP segments", { gsoType: 1, gsoSize: 20 }, "super_frame"],
  ["a super-frame without a segment size", { gsoType: 5, gsoSize: 0 }, "super_frame"],
  ["a super-frame of ESP", { gsoType: 5, gsoSize: 20, protocol: 50 }, "super_frame"],
  ["a large datagram, to be fragmented by the card", { gsoType: 3, gsoSize: 1480 }, "accepted"],
] as const)("%s is %j: %s", (_, changes, expected) => {
  expect(said(changes)).toBe(expected);
});

test("what is accepted is found where it lies", () => {
  expect(said({ optionsSize: 8, payloadSize: 33 })).toBe("accepted");
  expect(out).toMatchObject({ payloadSize: 33, segmentSize: 0, count: 1, vlan: 0 });
  expect(memory.bytes[memory.slot + out.payloadOffset]).toBe((36 * 31) & 0xff);
  expect(out.portAndProtocol).toBe((17 << 16) | 5004);
  // 239.1.2.3 and 10.0.1.2, byte for byte as they lie in memory.
  expect(out.destinationWord).toBe(0x030201ef);
  expect(out.sourceWord).toBe(0x0201000a);
});

test.each([
  [1000, 300, 4, 300],
  [1000, 250, 4, 250],
  [1000, 1000, 1, 0],
  [1000, 2000, 1, 0],
  [0, 100, 1, 0],
])("a super-frame of %i bytes in segments of %i holds %i datagrams", (payloadSize, gsoSize, count, segmentSize) => {
  expect(said({ gsoType: 5, gsoSize, payloadSize })).toBe("accepted");
  expect(out).toMatchObject({ count, segmentSize, payloadSize });
});

test("a tag is remembered also when the frame is refused for it, and forgotten with the next frame", () => {
  said({ status: 1 | tagged, vlanTci: 0x3258 });
  expect(out.vlan).toBe(600);
  said({});
  expect(out.vlan).toBe(0);
});
