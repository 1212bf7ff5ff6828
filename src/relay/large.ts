// Slots for frames that outgrow a capture slot: super-frames, reassembled fragments, jumbo frames on a link that grew.
// The kernel keeps such a frame whole on the socket's queue; it is read into a large slot that looks like a capture slot,
// so that everything behind treats both alike.
import { type Region, slotIsOurs } from "./region.ts";

/** Reads the next frame of a socket's queue to `address`; bytes, or -errno. Size 0 throws the frame away. */
export type ReceiveFrame = (fd: number, address: number, size: number) => number;

// Where the IP header goes in a large slot: behind the tpacket2 header, the address, and the longest link header.
const netAt = 128;
const vnetSize = 10;
const headerWords = 13;
const linkHeaderMax = netAt - headerWords * 4 - vnetSize;

/** A pool of large slots, taken one after the other. */
export class LargeSlots {
  readonly region: Region;
  private readonly receive: ReceiveFrame;
  private next = 0;

  constructor(region: Region, receive: ReceiveFrame) {
    this.region = region;
    this.receive = receive;
  }

  /**
   * Reads the frame whose head lies in `from`'s slot `slot` into a large slot and returns that slot's index, or -1 when
   * all are taken or the frame could not be read; it is then gone from the socket's queue.
   */
  fetch(fd: number, from: Region, slot: number): number {
    const { shape, views } = this.region;
    const source = (from.slotOffsets[slot] as number) >> 2;
    const linkHeader = (from.views.u16[source * 2 + 7] as number) - (from.views.u16[source * 2 + 6] as number);
    const large = linkHeader < 0 || linkHeader > linkHeaderMax ? -1 : this.free();
    if (large < 0) {
      this.receive(fd, shape.address, 0);
      return -1;
    }
    const at = this.region.slotOffsets[large] as number;
    for (let word = 1; word < headerWords; word++) {
      views.u32[(at >> 2) + word] = from.views.u32[source + word] as number;
    }
    const mac = netAt - linkHeader;
    const received = this.receive(fd, shape.address + at + mac - vnetSize, shape.slotSize - mac + vnetSize);
    if (received < vnetSize) {
      return -1;
    }
    views.u32[(at >> 2) + 2] = received - vnetSize;
    views.u16[(at + 12) >> 1] = mac;
    views.u16[(at + 14) >> 1] = netAt;
    this.region.take(large);
    return large;
  }

  private free(): number {
    const { slotCount } = this.region.shape;
    for (let tried = 0; tried < slotCount; tried++) {
      const slot = this.next;
      this.next = this.next + 1 === slotCount ? 0 : this.next + 1;
      if ((this.region.status(slot) & slotIsOurs) === 0) {
        return slot;
      }
    }
    return -1;
  }
}
