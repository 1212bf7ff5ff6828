// Datagrams that leave with the address and port of their sender: one by one, by a raw socket, each behind headers written here.
// The kernel fills in the IP header's total size, identification and checksum (raw(7)); UDP's checksum is ours to make.
import { swap, swap16 } from "../base/byte-order.ts";
import { aimAt } from "./aim.ts";
import type { Batch } from "./batch.ts";
import type { Output } from "./output.ts";
import { type OnesSum, protocols } from "./parse.ts";
import { none, type Slots } from "./slots.ts";

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

/**
 * Queues up to `room` sends of what waits at the output's cursor, a datagram each; super-frames are taken apart. The caller ends
 * the chain.
 */
export function sendStamped(batch: Batch, output: Output, stamp: Stamp, room: number): void {
  const { slots, sends, sender, stamper } = batch;
  const headerSize = headerSizeOf(stamp);
  let slot = output.cursor;
  let part = output.partsDone;
  for (let queued = 0; slot !== none && queued < room; queued++) {
    const segment = slots.segment[slot] as number;
    const isLast = part + 1 >= (slots.count[slot] as number);
    const offset = part * segment;
    const size = isLast ? (slots.size[slot] as number) - offset : segment;
    const payload = (slots.address[slot] as number) + offset;
    const index = sends.take(output);
    aimAt(batch, output, index, slot);
    write(stamper, index, output, stamp, slots, slot, payload, size);
    sender.piece(index, 0, stamper.memory.address + index * headerPlace, headerSize);
    sender.piece(index, 1, payload, size);
    // The slot is done with its last part.
    sends.queue(sender, index, output.fd, 2, 0, isLast ? 1 : 0, 1);
    part = isLast ? 0 : part + 1;
    slot = isLast ? (slots.next[slot] as number) : slot;
  }
}

/** The headers of send `index`, whose payload of `size` bytes lies at `payload` in a frame in `slot`. */
function write(
  { memory, onesSum }: Stamper,
  index: number,
  { aim }: Output,
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
  u16[udp + 3] = inverted(addresses + (protocol << 8) + length + from + to + length + onesSum(payload, size));
}

/** The checksum for a sum of words; one that comes out as 0 is sent as all ones, because 0 says that there is none. */
function inverted(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  const checksum = ~((once & 0xffff) + (once >>> 16)) & 0xffff;
  return checksum === 0 ? 0xffff : checksum;
}
