// The headers of datagrams that leave with the address and port of their sender, by a raw socket.
// The kernel fills in the IP header's total size, identification and checksum (raw(7)); UDP's checksum is ours to make.
import { swap, swap16 } from "../base/byte-order.ts";
import type { Aim } from "./aim.ts";
import { type OnesSum, protocols } from "./parse.ts";
import type { Slots } from "./slots.ts";

/** What the headers of an output's datagrams say. `address` in host order; `port` 0 for ESP; `tos` is DSCP and two bits of 0. */
export type Stamp = { address: number; port: number; protocol: number; ttl: number; tos: number };

const ipSize = 20;
const udpSize = 8;
/** Memory for the headers of one send. */
export const headerPlace = 32;

/** Memory where headers of sends under way are written, a place for each send: `address` as C knows it. */
export type HeaderMemory = { address: number; u8: Uint8Array; u16: Uint16Array; u32: Uint32Array };

/** Writes headers. */
export type Stamper = { memory: HeaderMemory; onesSum: OnesSum };

/** Size of what stands before the payload in a datagram with this stamp. */
export function headerSizeOf({ protocol }: Stamp): number {
  return protocol === protocols.udp ? ipSize + udpSize : ipSize;
}

/** Writes the headers of send `index`, whose payload of `size` bytes lies at `payload` in a frame in `slot`. */
export function writeHeaders(
  { memory, onesSum }: Stamper,
  index: number,
  aim: Aim | undefined,
  stamp: Stamp,
  slots: Slots,
  slot: number,
  payload: number,
  size: number,
): void {
  const { u8, u16, u32 } = memory;
  const at = index * headerPlace;
  const { protocol } = stamp;
  const source = slots.senderWord(slot);
  const destination = aim === undefined ? swap(stamp.address) : aim.addressOf(slots.destination[slot] as number);
  // Version 4, five words; may be fragmented on its way, as what UDP sockets send.
  u32[at >> 2] = 0x45 | (stamp.tos << 8);
  u32[(at + 4) >> 2] = 0;
  u8[at + 8] = stamp.ttl;
  u8[at + 9] = protocol;
  u16[(at + 10) >> 1] = 0;
  u32[(at + 12) >> 2] = source;
  u32[(at + 16) >> 2] = destination;
  if (protocol !== protocols.udp) {
    return;
  }
  const udp = (at + ipSize) >> 1;
  const length = swap16(udpSize + size);
  const from = slots.senderPort(slot);
  const to = aim === undefined ? swap16(stamp.port) : aim.portOf(slots.port[slot] as number);
  u16[udp] = from;
  u16[udp + 1] = to;
  u16[udp + 2] = length;
  // The pseudo-header, the header and the payload, all as they lie in memory: RFC 768, RFC 1071.
  const addresses = (source & 0xffff) + (source >>> 16) + (destination & 0xffff) + (destination >>> 16);
  const sum = addresses + (protocol << 8) + length + from + to + length;
  // From 0.0.0.0, whoever has no address yet, the kernel sends with ours (raw(7)), which is not known here: 0 says that there is no sum.
  u16[udp + 3] = source === 0 ? 0 : inverted(sum + onesSum(payload, size));
}

/** The checksum for a sum of words; one that comes out as 0 is sent as all ones, because 0 says that there is none. */
function inverted(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  const checksum = ~((once & 0xffff) + (once >>> 16)) & 0xffff;
  return checksum === 0 ? 0xffff : checksum;
}
