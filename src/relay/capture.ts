// One capture ring as ingress reads it: slot after slot, in the kernel's order.
import { linkField, linkFirst, linkSize } from "./counters.ts";
import { MatchTable } from "./match.ts";
import { type Region, slotIsOurs } from "./region.ts";

/** TP_STATUS_COPY: the frame outgrew the slot, and the socket's queue holds it whole. packet(7). */
const statusCopy = 1 << 1;

// A slot that egress still holds looks like a new one: its status word says "ours" in both cases, and that word's bits
// belong to the kernel. So what we have taken is marked in tp_len, which the kernel writes anew with every frame and which
// no frame can have: 2^32 - 1, read as a signed number, because the JIT takes an unsigned one of this size for a double.
const slotLength = 4;
/** tp_sec, tp_nsec behind it. */
const slotSeconds = 16;
const takenMark = -1;

/** One capture ring and the rules of its link. */
export class Capture {
  /** The supervisor's number for this socket; orders name it. */
  readonly serial: number;
  readonly fd: number;
  readonly region: Region;
  /** First of this link's counters in the page. */
  readonly counters: number;
  /** The rules of this link. */
  rules = new MatchTable([]);
  private next: number;

  constructor(serial: number, fd: number, region: Region, counterIndex: number, next: number) {
    this.serial = serial;
    this.fd = fd;
    this.region = region;
    this.counters = linkFirst + counterIndex * linkSize;
    this.next = next % region.shape.slotCount;
  }

  /** The slot to look at next. */
  get position(): number {
    return this.next;
  }

  /** Status word of the next slot when it holds a frame nobody has looked at, else 0. */
  arrived(): number {
    const status = this.region.status(this.next);
    if ((status & slotIsOurs) === 0 || this.length(this.next) === takenMark) {
      return 0;
    }
    return status;
  }

  /** True when the whole frame waits in the socket's queue. */
  isCopied(status: number): boolean {
    return (status & statusCopy) !== 0;
  }

  /**
   * Goes on to the next slot; the one left behind stays ours until it is released. The place is noted before the mark is set: a
   * process that dies between the two leaves one slot that is neither, and its successor knows it (resume). The other way round
   * it would look for the next frame where the kernel comes by a whole lap later.
   */
  take(counters: Float64Array): void {
    const slot = this.next;
    this.next = slot + 1 === this.region.shape.slotCount ? 0 : slot + 1;
    counters[this.counters + linkField.readSlot] = this.next;
    this.region.views.i32[((this.region.slotOffsets[slot] as number) + slotLength) >> 2] = takenMark;
  }

  /**
   * Goes on at slot `next`, where the last reader was. If that one died: gives back what it had taken and not released, and goes back
   * to a frame that it was just about to take. Returns how many frames were given back.
   */
  resume(next = this.next): number {
    const { slotCount } = this.region.shape;
    this.next = next % slotCount;
    const before = this.next === 0 ? slotCount - 1 : this.next - 1;
    if (this.isUnseen(before) && (!this.isUnseen(this.next) || this.isOlder(before, this.next))) {
      this.next = before;
    }
    let count = 0;
    for (let slot = 0; slot < slotCount; slot++) {
      if ((this.region.status(slot) & slotIsOurs) !== 0 && this.length(slot) === takenMark) {
        this.region.release(slot);
        count++;
      }
    }
    return count;
  }

  /** The slot holds a frame that nobody has taken. */
  private isUnseen(slot: number): boolean {
    return (this.region.status(slot) & slotIsOurs) !== 0 && this.length(slot) !== takenMark;
  }

  /** By the kernel's stamps. Of two neighbours in a full ring the second is the older one, where the newest meets the oldest. */
  private isOlder(slot: number, than: number): boolean {
    const { u32 } = this.region.views;
    const [a, b] = [slot, than].map((each) => ((this.region.slotOffsets[each] as number) + slotSeconds) >> 2) as [
      number,
      number,
    ];
    const seconds = (u32[a] as number) - (u32[b] as number);
    return seconds < 0 || (seconds === 0 && (u32[a + 1] as number) < (u32[b + 1] as number));
  }

  private length(slot: number): number {
    return this.region.views.i32[((this.region.slotOffsets[slot] as number) + slotLength) >> 2] as number;
  }
}
