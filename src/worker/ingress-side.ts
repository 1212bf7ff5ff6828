// The ingress half in a worker's life: capture sockets from the door, rules from orders, frames to the queue.
import { heapSize } from "bun:jsc";
import { assert } from "../base/assert.ts";
import { limits } from "../limits.ts";
import type { LogPipe, LogWriter } from "../log/writer.ts";
import { Capture } from "../relay/capture.ts";
import { ingress as counter, linkField } from "../relay/counters.ts";
import { Ingress, regionOrder } from "../relay/ingress.ts";
import { LargeSlots } from "../relay/large.ts";
import type { Queue } from "../relay/queue.ts";
import { shim } from "../shim/library.ts";
import { map, mapFd, onesSumAt, receiveAt } from "../shim/memory.ts";
import { pollBits, type Ring } from "../shim/ring.ts";
import { FrameTrace } from "./frame-trace.ts";
import { Gather } from "./gather.ts";
import { IngressRules } from "./ingress-rules.ts";
import type { Side } from "./loop.ts";
import type { DoorMessage, NumberedOrder, OrderRule } from "./orders.ts";
import type { RegionTable } from "./regions.ts";
import { type RuleChanges, RulePieces } from "./rule-changes.ts";
import type { Door, OrderStream, Reporter } from "./streams.ts";
import { tokens } from "./tokens.ts";

type CaptureMessage = Extract<DoorMessage, { kind: "capture" }>;

/** What the ingress side stands on. `wake` ends a sleep of egress. */
export type IngressSideParts = {
  ring: Ring;
  counters: Float64Array;
  queue: Queue;
  regions: RegionTable;
  door: Door;
  orders: OrderStream;
  reporter: Reporter;
  pipe: LogPipe;
  wake: () => void;
};

/** A ring's worth of turns: what lay there when the end was ordered. Under a flood, a turn without frames never comes. */
const endTurnsMax = Math.ceil(limits.captureSlotsMax / limits.turnFramesMax);

/** The side of a worker that takes frames, as the loop drives it. */
export class IngressSide implements Side {
  private readonly parts: IngressSideParts;
  private readonly log: LogWriter;
  private readonly trace: FrameTrace;
  private readonly ingress: Ingress;
  private readonly captures = new Map<number, { capture: Capture; row: number; link: string }>();
  private readonly rules = new IngressRules();
  private readonly pieces = new RulePieces();
  private readonly gather = new Gather();
  private isTaught = false; // a successor finds its rings full: until it knows the rules, all that would be without a rule
  private isEnding = false;
  private turnsLeft = endTurnsMax;
  private isEnded = false;

  constructor(parts: IngressSideParts) {
    this.parts = parts;
    const { regions, counters, queue, wake, pipe } = parts;
    this.log = pipe.writer("Ingress");
    this.trace = new FrameTrace(pipe, this.captures, this.rules.bySerial);
    const row = regions.freeRow();
    const size = limits.largeSlotCount * limits.largeSlotSize;
    const shape = {
      address: Number(map(size).pointer),
      size,
      slotCount: limits.largeSlotCount,
      slotSize: limits.largeSlotSize,
      blockSize: size,
      slotFirst: regions.slotFirst(row),
    };
    regions.put(row, shape, -1);
    const large = new LargeSlots(regions.open(row), receiveAt);
    this.ingress = new Ingress({ counters, queue, onesSum: onesSumAt, large, wake });
    this.ingress.announce(regionOrder.attach, row);
    parts.ring.poll(parts.orders.fd, pollBits.in, tokens.ingressOrders);
    parts.ring.poll(parts.door.fd, pollBits.in, tokens.door);
  }

  turn(nowNs: number): boolean {
    if (this.isEnded) {
      return false;
    }
    this.parts.reporter.flush();
    const taken = this.isTaught ? this.ingress.step(limits.turnFramesMax, nowNs) : 0;
    this.gather.note(taken, nowNs);
    this.turnsLeft -= this.isEnding ? 1 : 0;
    if (this.isEnding && (taken === 0 || this.turnsLeft === 0)) {
      this.end();
    }
    return taken === limits.turnFramesMax || this.isEnding;
  }

  hasSends(): boolean {
    return false;
  }

  proceed(): void {
    // Nothing of ingress depends on a completion.
  }

  waitUs(): number {
    // Frames that found the queue full wait in the ring; no new edge of theirs will come.
    return this.ingress.hasFrames || this.parts.reporter.isBehind ? limits.turnRetryUs : limits.turnWaitUs;
  }

  gatherUs(): number {
    return this.gather.waitUs;
  }

  owns(token: number): boolean {
    return token === tokens.ingressOrders || token === tokens.door || token >= tokens.captureFirst;
  }

  isOver(): boolean {
    return this.isEnded;
  }

  completed(token: number, result: number, isArmed: boolean): void {
    const { ring, orders, door } = this.parts;
    if (token === tokens.ingressOrders) {
      this.readOrders();
      if (!isArmed && !this.isEnding) {
        ring.poll(orders.fd, pollBits.in, token);
      }
      return;
    }
    if (token === tokens.door) {
      this.readDoor();
      if (!isArmed && !this.isEnding) {
        ring.poll(door.fd, pollBits.in, token);
      }
      return;
    }
    // Frames came: the next turn takes them. Nothing else happens here most of the time, and nothing is allocated.
    if (!isArmed) {
      this.rearm(token - tokens.captureFirst, result);
    }
  }

  /** The poll of the capture in `row` has ended: asked for again, unless its link is gone or nobody wants it any more. */
  private rearm(row: number, result: number): void {
    const capture = [...this.captures.values()].find((held) => held.row === row)?.capture;
    if (capture !== undefined && (result < 0 || (result & pollBits.error) !== 0)) {
      this.log.say("Warning", "a capture socket reports an error; its link is down or gone", {
        capture: capture.serial,
        result,
      });
    } else if (capture !== undefined) {
      this.parts.ring.poll(capture.fd, pollBits.in, tokens.captureFirst + row);
    }
  }

  private readOrders(): void {
    const { orders, reporter } = this.parts;
    const { orders: read, end } = orders.read();
    const answers = read.map((each) => {
      const error = this.apply(each);
      return { seq: each.seq, kind: each.order.kind, error, rules: this.rules.text };
    });
    this.rules.rebuild((serial) => this.captures.get(serial)?.capture);
    for (const { seq, kind, error, rules } of answers) {
      this.log.say("Debug", `order ${seq} ${error === undefined ? "carried out" : "refused"}: ${kind}`);
      reporter.done(seq, "ingress", rules, error);
    }
    if (end !== undefined && !this.isEnding) {
      // What comes next on it would be nonsense too, and orders that never arrive leave rules wrong: the worker ends.
      assert(end.reason === undefined, `ingress: ${end.reason}`);
      this.isEnding = true;
      this.log.say("Info", "the supervisor closed the order stream");
    }
  }

  private apply({ order }: NumberedOrder): string | undefined {
    switch (order.kind) {
      case "ChangeRules":
        return this.changeRules(this.pieces.add(order));
      case "SyncRules":
        return this.syncRules(order.rules);
      case "DropCapture":
        this.dropCapture(order.capture);
        return undefined;
      case "SetLogLevel":
        this.parts.pipe.follow(order.global, order.facilities);
        this.ingress.observer = this.trace.isWanted ? this.trace : undefined;
        return undefined;
      case "Ping":
        this.parts.counters[counter.heapBytes] = heapSize();
        return undefined;
      default:
        this.isEnding = this.isEnding || order.kind === "Shutdown";
        return undefined;
    }
  }

  private syncRules(rules: readonly OrderRule[]): string | undefined {
    if (!this.isTaught) {
      // Not when the ring came: whoever had it may have worked on until now (supervise/succession).
      for (const { capture, link } of this.captures.values()) {
        this.resume(capture, link);
      }
      this.isTaught = true;
    }
    const kept = new Set(rules.map((rule) => rule.serial));
    this.rules.removeWhere(({ serial }) => !kept.has(serial));
    const errors = rules.flatMap((rule) => this.changeRules({ put: [rule], remove: [] }) ?? []);
    return errors.length > 0 ? errors.slice(0, 3).join("; ") : undefined;
  }

  /** All of it or, with an error, nothing. */
  private changeRules(changes: RuleChanges | undefined): string | undefined {
    if (changes === undefined) {
      return undefined;
    }
    const error = changes.put.map((rule) => this.missingCapture(rule)).find((missing) => missing !== undefined);
    if (error === undefined) {
      for (const serial of changes.remove) {
        this.rules.remove(serial);
      }
      for (const rule of changes.put) {
        this.rules.put(rule);
      }
    }
    return error;
  }

  private missingCapture({ rule_id, captures }: OrderRule): string | undefined {
    const lacking = () => captures.find((each) => !this.captures.has(each));
    // The supervisor hands a capture socket through the door before it names it: at most one look brings it.
    if (lacking() !== undefined) {
      this.readDoor();
    }
    const missing = lacking();
    return missing === undefined ? undefined : `rule ${rule_id}: capture socket ${missing} did not arrive`;
  }

  private readDoor(): void {
    const { door } = this.parts;
    for (;;) {
      const delivery = door.next();
      if (delivery === undefined || "ended" in delivery) {
        // A plain end is told by the order streams as well.
        assert(delivery?.reason === undefined, `the door: ${delivery?.reason}`);
        return;
      }
      const [fd] = delivery.fds;
      if (delivery.message.kind === "capture" && fd !== undefined) {
        this.attach(delivery.message, fd);
      }
    }
  }

  private attach(message: CaptureMessage, fd: number): void {
    const { regions, ring } = this.parts;
    const { slotSize, blockSize, blockCount, serial } = message;
    const row = regions.freeRow();
    const size = blockSize * blockCount;
    const memory = row < 0 ? undefined : mapFd(fd, size);
    if (memory === undefined) {
      this.log.say("Error", "a capture ring could not be mapped", { link: message.link, rows_left: row >= 0 });
      shim.mcr_close(fd);
      return;
    }
    const slotCount = Math.floor(blockSize / slotSize) * blockCount;
    const shape = { address: Number(memory.pointer), size, slotCount, slotSize, blockSize };
    regions.put(row, { ...shape, slotFirst: regions.slotFirst(row) }, fd);
    const capture = new Capture(serial, fd, regions.open(row), message.counter, 0);
    this.captures.set(serial, { capture, row, link: message.link });
    if (this.isTaught) this.resume(capture, message.link);
    this.ingress.attach(capture, row);
    ring.poll(fd, pollBits.in, tokens.captureFirst + row);
    this.log.say("Debug", "capture ring attached", { link: message.link, capture: serial, slots: slotCount });
  }

  /** Goes on where the last reader of the ring was. */
  private resume(capture: Capture, link: string): void {
    const frames = capture.resume(this.parts.counters[capture.counters + linkField.readSlot] ?? 0);
    if (frames > 0) {
      this.log.say("Warning", "frames of a worker that died were given back", { link, frames });
    }
  }

  private dropCapture(serial: number): void {
    const held = this.captures.get(serial);
    if (held === undefined) {
      return;
    }
    this.rules.leaveCapture(serial);
    this.captures.delete(serial);
    this.parts.ring.cancel(tokens.captureFirst + held.row);
    this.ingress.detach(serial, held.row);
  }

  /** Nothing more will be taken: egress hears it behind the last datagram. */
  private end(): void {
    this.ingress.announce(regionOrder.end, 0);
    this.isEnded = true;
  }
}
