// What egress knows of every slot it holds: where its payload lies, how many outputs still need it, which one follows it
// in its rule's backlog. Plain arrays by slot number; nothing is allocated on the way of a packet.
import { assert } from "../base/assert.ts";
import { swap16 } from "../base/byte-order.ts";
import { destinationOf } from "./parse.ts";
import type { Region } from "./region.ts";

/** No slot: the end of a backlog. */
export const none = -1;

/** tp_net of struct tpacket2_hdr: where the IP header lies. */
const slotNet = 14;

/** tp_sec of struct tpacket2_hdr, tp_nsec behind it. packet(7). */
const slotSeconds = 16;

/** Every slot that egress may hold, by number; a slot goes back with the last of its users. */
export class Slots {
  /** Payload address as C knows it, size in bytes. */
  address = new Float64Array(0);
  size = new Int32Array(0);
  /** Payload bytes of each datagram but the last of a super-frame; 0: one datagram. */
  segment = new Int32Array(0);
  /** Datagrams in the slot. */
  count = new Int32Array(0);
  /** The next slot of the same rule, or `none`. */
  next = new Int32Array(0);
  /** When the kernel captured the frame, in microseconds of CLOCK_REALTIME; 0: not followed. */
  stampUs = new Float64Array(0);
  /** Slots held in all. */
  held = 0;
  /** Of slots of rules that map: where the frame was sent to, as Datagram.destinationWord, and the port in host order. */
  destination = new Int32Array(0);
  port = new Int32Array(0);
  private users = new Int32Array(0);
  private regionOf: (Region | undefined)[] = [];

  /** How many slots all regions have together. */
  get capacity(): number {
    return this.regionOf.length;
  }

  /** Makes a region's slots known; its numbers must be free. */
  attach(region: Region): void {
    const { slotFirst, slotCount } = region.shape;
    if (slotFirst + slotCount > this.regionOf.length) {
      this.grow(slotFirst + slotCount);
    }
    for (let slot = slotFirst; slot < slotFirst + slotCount; slot++) {
      assert(this.regionOf[slot] === undefined, "a slot number belongs to one region");
      this.regionOf[slot] = region;
    }
    region.held = 0;
  }

  /** Forgets a region that holds nothing any more. */
  detach(region: Region): void {
    assert(region.held === 0, "a region is detached when its last slot is back");
    const { slotFirst, slotCount } = region.shape;
    this.regionOf.fill(undefined, slotFirst, slotFirst + slotCount);
  }

  /** Takes a slot from the queue for `users` outputs; one without users goes back at once. */
  take(slot: number, offset: number, size: number, segment: number, count: number, users: number): void {
    const region = this.regionOf[slot];
    assert(region !== undefined, "the queue names slots of attached regions");
    if (users === 0) {
      region.release(slot - region.shape.slotFirst);
      return;
    }
    assert(this.users[slot] === 0, "a slot has one owner");
    this.address[slot] = region.shape.address + (region.slotOffsets[slot - region.shape.slotFirst] as number) + offset;
    this.size[slot] = size;
    this.segment[slot] = segment;
    this.count[slot] = count;
    this.next[slot] = none;
    this.stampUs[slot] = 0;
    this.users[slot] = users;
    this.held++;
    region.held++;
  }

  /** Follows the frame of a slot that is held: its stamp is read now, because later it may be another frame's. */
  follow(slot: number): void {
    const region = this.regionOf[slot] as Region;
    const at = ((region.slotOffsets[slot - region.shape.slotFirst] as number) + slotSeconds) >> 2;
    const { u32 } = region.views;
    this.stampUs[slot] = (u32[at] as number) * 1e6 + (u32[at + 1] as number) / 1000;
  }

  /** The address that a held slot's frame came from, as it lies in memory. */
  senderWord(slot: number): number {
    const { views, shape, slotOffsets } = this.regionOf[slot] as Region;
    const at = slotOffsets[slot - shape.slotFirst] as number;
    return views.u32[(at + (views.u16[(at + slotNet) >> 1] as number) + 12) >> 2] as number;
  }

  /** The UDP port that it came from, as it lies in memory: first of the eight bytes before the payload. */
  senderPort(slot: number): number {
    const { shape, views } = this.regionOf[slot] as Region;
    return views.u16[((this.address[slot] as number) - shape.address - 8) >> 1] as number;
  }

  /** Notes where the frame of a slot that is held was sent to; the port, which UDP alone has, as 0 unless `isByPort`. */
  mark(slot: number, payloadOffset: number, isByPort: boolean): void {
    const region = this.regionOf[slot] as Region;
    const at = region.slotOffsets[slot - region.shape.slotFirst] as number;
    this.destination[slot] = destinationOf(region.views, at);
    // The second field of the header before the payload.
    this.port[slot] = isByPort ? swap16(region.views.u16[(at + payloadOffset - 6) >> 1] as number) : 0;
  }

  /** True when the slot's region is more than half taken: the kernel will soon have nowhere to put frames. */
  isScarce(slot: number): boolean {
    const region = this.regionOf[slot] as Region;
    return region.held * 2 > region.shape.slotCount;
  }

  /** One output is done with the slot; with the last it goes back to whoever fills it, and true comes back. */
  done(slot: number): boolean {
    const left = (this.users[slot] as number) - 1;
    assert(left >= 0, "a slot is given back once by each of its users");
    this.users[slot] = left;
    if (left === 0) {
      const region = this.regionOf[slot] as Region;
      this.held--;
      region.held--;
      region.release(slot - region.shape.slotFirst);
    }
    return left === 0;
  }

  private grow(capacity: number): void {
    const carry = <A extends Float64Array | Int32Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.address = carry(this.address, new Float64Array(capacity));
    this.size = carry(this.size, new Int32Array(capacity));
    this.segment = carry(this.segment, new Int32Array(capacity));
    this.count = carry(this.count, new Int32Array(capacity));
    this.next = carry(this.next, new Int32Array(capacity));
    this.stampUs = carry(this.stampUs, new Float64Array(capacity));
    this.destination = carry(this.destination, new Int32Array(capacity));
    this.port = carry(this.port, new Int32Array(capacity));
    this.users = carry(this.users, new Int32Array(capacity));
    while (this.regionOf.length < capacity) {
      this.regionOf.push(undefined);
    }
  }
}
