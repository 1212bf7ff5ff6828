// What a warm-up has in place of a kernel and a network: a side of the loop that puts frames into a capture ring, round by round.
import { swap16 } from "../base/byte-order.ts";
import { limits } from "../limits.ts";
import { protocols } from "../relay/parse.ts";
import { slotIsOurs } from "../relay/region.ts";
import { shim } from "../shim/library.ts";
import { type Mapped, mapFd, onesSumAt } from "../shim/memory.ts";
import { pollBits, type Ring } from "../shim/ring.ts";
import type { Side } from "./loop.ts";
import { wallUs } from "./parts.ts";
import { tokens } from "./tokens.ts";

const slotSize = 2048;
const slotCount = 128;
// As src/relay/parse.ts reads them; the IP header is aligned as there.
const macAt = 82;
const netAt = 96;
const udpAt = netAt + 20;
const payloadSize = 200;
const checksumPartial = 1 << 3;
/** 239.0.0.1 and 10.0.0.1 as they lie in memory. */
const groupWord = 0x010000ef;
const sourceWord = 0x0100000a;
/** A backlog now and then, and of datagrams of different sizes; else they come alone, as most do. */
const burst = 64;
const burstPeriod = 16;
const mixedPeriod = 3;
/** So often the loop has more to do than a turn does, and looks without waiting. */
const morePeriod = 8;
/** The row of its ring among the regions. */
const row = 1;

/** The capture ring, as the door announces it. */
export const madeRing = { slotSize, blockSize: slotSize * slotCount, blockCount: 1 } as const;
/** What its datagrams are addressed to, as in an order. */
export const madeFlow = { group: 0xef000001, port: 5000, protocol: protocols.udp } as const;

/** Makes `limits.warmUpRounds` rounds of frames, calls `over`, and is over. */
export class FrameMaker implements Side {
  /** Frames so far. */
  made = 0;
  private readonly memory: Mapped;
  private readonly over: () => void;
  // A memfd cannot be polled: the edges that a capture socket would show come from here.
  private readonly arrival = shim.mcr_eventfd();
  private round = 0;
  private next = 0;
  private isDone = false;

  /** `fd`: the memfd of the ring. */
  constructor(ring: Ring, fd: number, over: () => void) {
    const memory = mapFd(fd, madeRing.blockSize);
    if (memory === undefined) {
      throw new Error("the ring of the warm-up could not be mapped");
    }
    this.memory = memory;
    this.over = over;
    for (let slot = 0; slot < slotCount; slot++) {
      this.prepare(slot);
    }
    ring.poll(this.arrival, pollBits.in, tokens.captureFirst + row);
  }

  turn(): boolean {
    if (this.isDone) {
      return false;
    }
    if (this.round === limits.warmUpRounds) {
      this.isDone = true;
      this.over();
      return false;
    }
    const count = this.round % burstPeriod === 0 ? burst : 1;
    for (let each = 0; each < count; each++) {
      this.put(this.round % mixedPeriod === 0 ? each : 0);
    }
    this.round++;
    shim.mcr_eventfd_write(this.arrival);
    return this.round % morePeriod === 0;
  }

  hasSends(): boolean {
    return false;
  }

  proceed(): void {
    // Nothing of it depends on a completion.
  }

  waitUs(): number {
    return limits.turnWaitUs;
  }

  gatherUs(): number {
    return 0;
  }

  completed(): void {
    // Its edges are ingress's.
  }

  owns(): boolean {
    return false;
  }

  isOver(): boolean {
    return this.isDone;
  }

  /** To be called when nobody polls any more. */
  close(): void {
    this.memory.close();
    shim.mcr_close(this.arrival);
  }

  /** Puts a datagram, `shorter` by so many bytes, into the next slot, as the kernel would; none when that is still held. */
  private put(shorter: number): void {
    const { pointer, u16, u32, i32 } = this.memory;
    const at = this.next * slotSize;
    if ((Atomics.load(i32, at >> 2) & slotIsOurs) !== 0) {
      return;
    }
    this.next = (this.next + 1) % slotCount;
    this.made++;
    const total = 28 + payloadSize - shorter;
    const nowUs = wallUs();
    u32[(at + 4) >> 2] = total + netAt - macAt;
    u32[(at + 8) >> 2] = total + netAt - macAt;
    u32[(at + 16) >> 2] = nowUs / 1e6;
    u32[(at + 20) >> 2] = (nowUs % 1e6) * 1000;
    u16[(at + netAt + 2) >> 1] = swap16(total);
    u16[(at + netAt + 10) >> 1] = 0;
    u16[(at + netAt + 10) >> 1] = ~onesSumAt(Number(pointer) + at + netAt, udpAt - netAt) & 0xffff;
    u16[(at + udpAt + 4) >> 1] = swap16(total - 20);
    Atomics.store(i32, at >> 2, slotIsOurs | checksumPartial);
  }

  /** What is the same in every frame of a slot. */
  private prepare(slot: number): void {
    const { u8, u16, u32 } = this.memory;
    const at = slot * slotSize;
    const etherIpv4 = 0x0008;
    u16[(at + 12) >> 1] = macAt;
    u16[(at + 14) >> 1] = netAt;
    u16[(at + 34) >> 1] = etherIpv4;
    u8[at + netAt] = 0x45;
    u8[at + netAt + 8] = 1;
    u8[at + netAt + 9] = protocols.udp;
    u32[(at + netAt + 12) >> 2] = sourceWord;
    u32[(at + netAt + 16) >> 2] = groupWord;
    u16[(at + udpAt + 2) >> 1] = swap16(madeFlow.port);
  }
}
