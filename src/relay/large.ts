// Slots for frames that outgrow a capture slot: super-frames, reassembled fragments, jumbo frames on a link that grew.
// The kernel keeps such a frame whole on the socket's queue; it is read into a large slot that looks like a capture slot,
// so that everything behind treats both alike.
import { type Region, slotIsOurs } from "./region.ts";

/** EAGAIN: the queue is empty. */
const nothingWaits = -11;
/** Reads for one frame: a socket holds at most a few more than there are large slots. */
const readsMax = 256;

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
   * A free large slot that knows of the frame in `from`'s slot `slot` what the kernel wrote before it, or -1 when all are taken
   * or the frame has a link header that cannot be. The frame itself is still on the socket's queue: `fetch` comes next.
   */
  begin(from: Region, slot: number): number {
    const { views } = this.region;
    const source = (from.slotOffsets[slot] as number) >> 2;
    const linkHeader = (from.views.u16[source * 2 + 7] as number) - (from.views.u16[source * 2 + 6] as number);
    const large = linkHeader < 0 || linkHeader > linkHeaderMax ? -1 : this.free();
    if (large >= 0) {
      const at = this.region.slotOffsets[large] as number;
      for (let word = 1; word < headerWords; word++) {
        views.u32[(at >> 2) + word] = from.views.u32[source + word] as number;
      }
      views.u16[(at + 12) >> 1] = netAt - linkHeader;
      views.u16[(at + 14) >> 1] = netAt;
    }
    return large;
  }

  /**
   * Reads the frame whose head lies in `from`'s slot `slot` into slot `large`, which `begin` gave. False when the queue does not
   * have it. What lies before it belongs to heads that nobody will read any more (a worker died between the two, a link that
   * went down left its error in place of a frame) and is thrown away: else every later head would get its predecessor's frame.
   */
  fetch(fd: number, large: number, from: Region, slot: number): boolean {
    const { shape, views } = this.region;
    const at = this.region.slotOffsets[large] as number;
    const mac = views.u16[(at + 12) >> 1] as number;
    for (let read = 0; read < readsMax; read++) {
      const received = this.receive(fd, shape.address + at + mac - vnetSize, shape.slotSize - mac + vnetSize);
      if (received === nothingWaits) {
        return false;
      }
      views.u32[(at >> 2) + 2] = received - vnetSize;
      if (received - vnetSize === views.u32[(at >> 2) + 1] && this.isWholeOf(at, from, slot)) {
        this.region.take(large);
        return true;
      }
    }
    return false;
  }

  /** Takes the frame that waits next off the socket's queue, unread. */
  skip(fd: number): void {
    this.receive(fd, this.region.shape.address, 0);
  }

  /** Compares what no packet filter of this host rewrites between slot and queue: the datagram's number, the payload's beginning. */
  private isWholeOf(at: number, from: Region, slot: number): boolean {
    const offset = from.slotOffsets[slot] as number;
    const head = (offset + (from.views.u16[(offset + 14) >> 1] as number)) >> 2;
    const whole = (at + netAt) >> 2;
    return [1, 7, 8, 9].every((word) => this.region.views.u32[whole + word] === from.views.u32[head + word]);
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
