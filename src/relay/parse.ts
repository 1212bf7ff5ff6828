// One captured slot -> one datagram to look up, or the name of the reason why not.
// Allocates nothing: the caller lends one Datagram, and it is overwritten. Nothing of the payload is read here, unless
// nobody has vouched for its checksum.
import { swap16 } from "../base/byte-order.ts";
import { refusal } from "./counters.ts";
import type { RegionViews } from "./region.ts";

/**
 * What parse() found. Words are as they lie in memory, network order read by a little-endian load, as signed numbers: an unsigned
 * one above 2^31 would be a double, and dear to all that compares and mixes bits.
 */
export class Datagram {
  destinationWord = 0;
  sourceWord = 0;
  /** Destination port in host order (0 without ports) below, protocol above bit 16. */
  portAndProtocol = 0;
  /** From the slot's start, in bytes. */
  payloadOffset = 0;
  payloadSize = 0;
  /** Of a super-frame: payload bytes of each datagram but the last; 0 for a plain frame. */
  segmentSize = 0;
  /** How many datagrams the frame holds. */
  count = 1;
  /** VLAN id of the tag that was beside the frame, 0 without. */
  vlan = 0;
}

/** Sums 16-bit words (RFC 1071) over `size` bytes at `address`: the shim's mcr_ones_sum, or a test's own. */
export type OnesSum = (address: number, size: number) => number;

// struct tpacket2_hdr, struct sockaddr_ll behind it, struct virtio_net_hdr before the frame: packet(7), linux/virtio_net.h.
// cshim/capture.c asserts the offsets.
const slotLength = 4;
const slotCaptured = 8;
const slotMac = 12;
const slotNet = 14;
const slotVlan = 24;
const slotProtocol = 34;
const slotKind = 42;
const vnetSize = 10;
const vnetKind = 1;
const vnetSegment = 4;

const statusVlan = 1 << 4;
const statusChecksumPartial = 1 << 3;
const statusChecksumValid = 1 << 7;
const vnetKinds = { none: 0, fragmented: 3, segmented: 5 } as const;
const kindOtherHost = 3;
const kindOutgoing = 4;
// 0x0800 as a little-endian load sees it.
const etherIpv4 = 0x0008;

/** Protocols a rule can want, IANA numbers. */
export const protocols = { udp: 17, esp: 50 } as const;

/**
 * Takes the frame in the slot at byte `slot` of a region apart, into `out`. Returns 0, or a number of `refusal`.
 * `address` is where the region's memory begins for C. The frame's IP header must be 4-byte aligned, as PACKET_RESERVE
 * arranges (src/supervise/capture/capture-sockets.ts).
 */
export function parse(
  views: RegionViews,
  slot: number,
  status: number,
  address: number,
  onesSum: OnesSum,
  out: Datagram,
): number {
  const { u8, u16, u32 } = views;
  const mac = u16[(slot + slotMac) >> 1] as number;
  const net = u16[(slot + slotNet) >> 1] as number;
  const captured = u32[(slot + slotCaptured) >> 2] as number;
  const kind = u8[slot + slotKind] as number;
  out.vlan = status & statusVlan ? (u16[(slot + slotVlan) >> 1] as number) & 0xfff : 0;
  if (kind === kindOutgoing) {
    return refusal.own_transmission;
  }
  if (u16[(slot + slotProtocol) >> 1] !== etherIpv4) {
    return refusal.not_ipv4;
  }
  // A priority tag (VLAN 0) does not make another network of it: 802.1Q, 9.6.
  if (out.vlan !== 0) {
    return refusal.vlan;
  }
  if (kind === kindOtherHost) {
    return refusal.other_host;
  }
  const ipSize = captured - (net - mac);
  if (ipSize < 20) {
    return u32[(slot + slotLength) >> 2] === captured ? refusal.ip_header : refusal.truncated;
  }
  const header = mac - vnetSize;
  const superKind = (u8[slot + header + vnetKind] as number) & 0x7f;
  const segment = u16[(slot + header + vnetSegment) >> 1] as number;
  const refused = parseIp(views, slot + net, ipSize, out);
  if (refused !== 0) {
    return refused;
  }
  out.payloadOffset += net;
  if (superKind === vnetKinds.segmented) {
    if (segment === 0 || out.portAndProtocol >> 16 !== protocols.udp) {
      return refusal.super_frame;
    }
    // Whoever merged or will split it has checked, or will write, the checksum of each part.
    out.segmentSize = out.payloadSize > segment ? segment : 0;
    out.count = Math.max(1, Math.ceil(out.payloadSize / segment));
    return 0;
  }
  out.segmentSize = 0;
  out.count = 1;
  if (superKind !== vnetKinds.none && superKind !== vnetKinds.fragmented) {
    return refusal.super_frame;
  }
  if (
    (status & (statusChecksumPartial | statusChecksumValid)) === 0 &&
    !isChecksumRight(views, slot + net, address, onesSum)
  ) {
    return refusal.udp_checksum;
  }
  return 0;
}

/**
 * The destination of a frame that parse() refused, as Datagram.destinationWord; 0 when it shows none. For the counters alone: nothing
 * of such a frame is to be believed.
 */
export function destinationOf({ u16, u32, i32 }: RegionViews, slot: number): number {
  const net = u16[(slot + slotNet) >> 1] as number;
  const size = (u32[(slot + slotCaptured) >> 2] as number) - (net - (u16[(slot + slotMac) >> 1] as number));
  return u16[(slot + slotProtocol) >> 1] === etherIpv4 && size >= 20 ? (i32[(slot + net + 16) >> 2] as number) : 0;
}

/** Fills `out` from the IP header at `at`, payloadOffset counted from it. */
function parseIp(views: RegionViews, at: number, size: number, out: Datagram): number {
  const { u8, u16, i32 } = views;
  const first = u8[at] as number;
  const headerSize = (first & 0xf) * 4;
  const total = swap16(u16[(at + 2) >> 1] as number);
  if (first >> 4 !== 4 || headerSize < 20 || total < headerSize) {
    return refusal.ip_header;
  }
  if (total > size) {
    return refusal.truncated;
  }
  if (!isHeaderRight(u16, at >> 1, headerSize >> 1)) {
    return refusal.ip_checksum;
  }
  // More-fragments or an offset: half a datagram. The kernel reassembles before the ring; what still comes is refused.
  if ((swap16(u16[(at + 6) >> 1] as number) & 0x3fff) !== 0) {
    return refusal.fragment;
  }
  out.sourceWord = i32[(at + 12) >> 2] as number;
  out.destinationWord = i32[(at + 16) >> 2] as number;
  const protocol = u8[at + 9] as number;
  if (protocol === protocols.udp) {
    return parseUdp(u16, at, headerSize, total, out);
  }
  if (protocol === protocols.esp) {
    out.portAndProtocol = protocols.esp << 16;
    out.payloadOffset = headerSize;
    out.payloadSize = total - headerSize;
    return 0;
  }
  return refusal.protocol;
}

function parseUdp(u16: Uint16Array, at: number, headerSize: number, total: number, out: Datagram): number {
  const udp = at + headerSize;
  if (total < headerSize + 8) {
    return refusal.udp_length;
  }
  const udpSize = swap16(u16[(udp + 4) >> 1] as number);
  // Shorter than the IP payload is legal (RFC 768 has its own length); longer promises bytes that are not there.
  if (udpSize < 8 || udpSize > total - headerSize) {
    return refusal.udp_length;
  }
  out.portAndProtocol = swap16(u16[(udp + 2) >> 1] as number) | (protocols.udp << 16);
  out.payloadOffset = headerSize + 8;
  out.payloadSize = udpSize - 8;
  return 0;
}

/** The one's complement sum over a right header is all ones, in either byte order (RFC 1071). */
function isHeaderRight(u16: Uint16Array, first: number, count: number): boolean {
  let sum = 0;
  for (let at = first; at < first + count; at++) {
    sum += u16[at] as number;
  }
  return fold(sum) === 0xffff;
}

/** UDP's checksum over pseudo-header, header and payload; 0 means that the sender made none. ESP carries its own proof. */
function isChecksumRight(views: RegionViews, at: number, address: number, onesSum: OnesSum): boolean {
  const { u8, u16 } = views;
  if (u8[at + 9] !== protocols.udp) {
    return true;
  }
  const udp = at + ((u8[at] as number) & 0xf) * 4;
  if (u16[(udp + 6) >> 1] === 0) {
    return true;
  }
  const length = u16[(udp + 4) >> 1] as number;
  let sum = (protocols.udp << 8) + length;
  for (let word = (at + 12) >> 1; word < (at + 20) >> 1; word++) {
    sum += u16[word] as number;
  }
  return fold(sum + onesSum(address + udp, swap16(length))) === 0xffff;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
