// The first half of a packet's way: capture ring -> parse -> match -> queue. No clock, no log, no kernel of its own.
import { assert } from "../base/assert.ts";
import { limits } from "../limits.ts";
import type { Capture } from "./capture.ts";
import {
  ingress as counter,
  linkField,
  type RefusalName,
  refusal,
  refusals,
  refusedFirst,
  ruleField,
  ruleFirst,
  ruleSize,
} from "./counters.ts";
import type { LargeSlots } from "./large.ts";
import type { MatchRule } from "./match.ts";
import { noteOther, noteRefused } from "./near-misses.ts";
import { Datagram, destinationOf, type OnesSum, parse } from "./parse.ts";
import type { Queue } from "./queue.ts";
import type { Region } from "./region.ts";

/** Queue entries that are no datagram carry rule 0 and one of these in place of the slot. */
export const regionOrder = { attach: 1, detach: 2, end: 3 } as const;

/** Places of the queue that datagrams leave free: each region may come and go once before egress looks, and then the end. */
const ordersMax = 2 * limits.regionsMax + 1;

/** What ingress stands on. `onesSum` is the shim's, or a test's own. */
export type IngressParts = {
  counters: Float64Array;
  queue: Queue;
  onesSum: OnesSum;
  large: LargeSlots;
  /** Wakes egress; called at most once for each of its sleeps. */
  wake: () => void;
};

/** Is told what becomes of every frame. `capture` and `rule` are serial numbers; a datagram is good until the call returns. */
export type IngressObserver = {
  matched(capture: number, datagram: Datagram, rule: number): void;
  unmatched(capture: number, datagram: Datagram): void;
  refused(capture: number, reason: RefusalName): void;
};

/** Takes frames from every capture in its turn and hands what a rule wants to egress. */
export class Ingress {
  readonly captures: Capture[] = [];
  /** Set only while somebody wants to know: a frame then pays for it, else for one comparison. */
  observer: IngressObserver | undefined = undefined;
  private readonly parts: IngressParts;
  private readonly datagram = new Datagram();
  private turnFirst = 0;
  private isDirty = false;

  constructor(parts: IngressParts) {
    this.parts = parts;
  }

  /** Starts to take frames from `capture`. `index` is the number under which both sides keep its region. */
  attach(capture: Capture, index: number): void {
    this.captures.push(capture);
    this.announce(regionOrder.attach, index);
  }

  /** Takes no more frames from the capture; egress closes it when the last slot is back. */
  detach(serial: number, index: number): void {
    const at = this.captures.findIndex((capture) => capture.serial === serial);
    assert(at >= 0, "only what was attached is detached");
    this.captures.splice(at, 1);
    this.announce(regionOrder.detach, index);
  }

  /** Tells egress of a region, in line with the datagrams that lie in it. */
  announce(order: number, index: number): void {
    const { queue } = this.parts;
    assert(queue.hasRoom(), "datagrams leave room for orders");
    queue.put(order, 0, index, 0);
    this.isDirty = true;
    this.publish();
  }

  /** True when a ring holds frames that nobody has looked at: what a full queue left, or a bound. */
  get hasFrames(): boolean {
    for (const capture of this.captures) {
      if (capture.arrived() !== 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * One turn: at most `budget` frames, every capture in its turn first. `nowNs` is kept as "last seen".
   * Returns how many frames were taken; fewer than the budget means that the rings are empty or egress is behind.
   */
  step(budget: number, nowNs: number): number {
    const { counters } = this.parts;
    const count = this.captures.length;
    let taken = 0;
    for (let each = 0; each < count && taken < budget; each++) {
      const capture = this.captures[(this.turnFirst + each) % count] as Capture;
      taken += this.drain(capture, budget - taken, nowNs);
    }
    this.turnFirst = count > 0 ? (this.turnFirst + 1) % count : 0;
    if (taken > 0) {
      add(counters, counter.frames, taken);
      add(counters, counter.turns, 1);
    }
    this.publish();
    return taken;
  }

  private publish(): void {
    const { queue, counters, wake } = this.parts;
    if (!this.isDirty) {
      return;
    }
    this.isDirty = false;
    queue.publish();
    if (queue.mustWake()) {
      add(counters, counter.wakeupsWritten, 1);
      wake();
    } else {
      add(counters, counter.wakeupsAvoided, 1);
    }
  }

  private drain(capture: Capture, budget: number, nowNs: number): number {
    const { counters, queue } = this.parts;
    let taken = 0;
    while (taken < budget) {
      const status = capture.arrived();
      if (status === 0) {
        break;
      }
      if (!queue.hasRoom(ordersMax)) {
        // The frame stays in the ring, where it costs nothing, until egress has caught up.
        add(counters, counter.queueFull, 1);
        break;
      }
      taken++;
      if (capture.isCopied(status)) {
        this.takeLarge(capture, status, nowNs);
      } else {
        const slot = capture.position;
        this.handle(capture, capture.region, slot, status, nowNs);
      }
    }
    if (taken > 0) {
      add(counters, capture.counters + linkField.frames, taken);
      counters[capture.counters + linkField.lastSeenNs] = nowNs;
    }
    return taken;
  }

  /** The head is in the slot, the whole on the socket's queue: the slot goes back at once. */
  private takeLarge(capture: Capture, status: number, nowNs: number): void {
    const { large, counters } = this.parts;
    const slot = capture.position;
    const at = large.begin(capture.region, slot);
    // Taken before it is read: should this process die in between, its successor finds a frame too many, never one too few.
    capture.take(counters);
    if (at < 0) {
      large.skip(capture.fd);
    }
    if (at < 0 || !large.fetch(capture.fd, at, capture.region, slot)) {
      add(counters, refusedFirst + refusal.large_slots_full - 1, 1);
    } else {
      this.handle(capture, large.region, at, status, nowNs);
    }
    capture.region.release(slot);
  }

  /** Decides about one frame: to the queue, or back to the kernel and counted. */
  private handle(capture: Capture, region: Region, slot: number, status: number, nowNs: number): void {
    const { counters, queue, onesSum } = this.parts;
    const { datagram } = this;
    const at = region.slotOffsets[slot] as number;
    const refused = parse(region.views, at, status, region.shape.address, onesSum, datagram);
    if (region === capture.region) {
      capture.take(counters);
    }
    if (refused !== 0) {
      this.refuse(capture, refused, destinationOf(region.views, at), nowNs);
      region.release(slot);
      return;
    }
    const rule = capture.rules.find(datagram.destinationWord, datagram.portAndProtocol, datagram.sourceWord);
    if (rule === undefined) {
      add(counters, counter.noMatch, 1);
      noteOther(counters, capture, datagram, nowNs);
      if (this.observer !== undefined) {
        this.observer.unmatched(capture.serial, datagram);
      }
      region.release(slot);
      return;
    }
    this.count(rule, nowNs);
    if (this.observer !== undefined) {
      this.observer.matched(capture.serial, datagram, rule.serial);
    }
    queue.put(
      region.shape.slotFirst + slot,
      rule.serial,
      (datagram.payloadOffset << 16) | datagram.payloadSize,
      (datagram.segmentSize << 16) | datagram.count,
    );
    this.isDirty = true;
  }

  private refuse(capture: Capture, refused: number, destinationWord: number, nowNs: number): void {
    const { counters } = this.parts;
    add(counters, refusedFirst + refused - 1, 1);
    noteRefused(counters, capture, destinationWord, refused, this.datagram.vlan, nowNs);
    if (this.observer !== undefined) {
      this.observer.refused(capture.serial, refusals[refused - 1] as RefusalName);
    }
    if (refused === refusal.vlan) {
      add(counters, capture.counters + linkField.tagged, 1);
      counters[capture.counters + linkField.lastVlan] = this.datagram.vlan;
    }
  }

  private count(rule: MatchRule, nowNs: number): void {
    const { counters } = this.parts;
    const { count, payloadSize } = this.datagram;
    const at = ruleFirst + rule.counter * ruleSize;
    add(counters, counter.matched, 1);
    add(counters, counter.datagrams, count);
    add(counters, counter.bytes, payloadSize);
    if (count > 1) {
      add(counters, counter.superFrames, 1);
    }
    add(counters, at + ruleField.frames, 1);
    add(counters, at + ruleField.datagrams, count);
    add(counters, at + ruleField.bytes, payloadSize);
    counters[at + ruleField.lastSeenNs] = nowNs;
  }
}

/** Counters have one writer each: a plain addition is enough. */
function add(counters: Float64Array, at: number, by: number): void {
  counters[at] = (counters[at] as number) + by;
}
