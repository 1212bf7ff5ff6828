// The second half of a packet's way: queue -> batch per output -> send -> give the slot back.
// A rule keeps one backlog, a chain of slots, and each of its outputs a place in it: fan-out copies nothing.
import { gather } from "./batch.ts";
import { complete, discard, drop, enter, lose } from "./completion.ts";
import { egress as counter } from "./counters.ts";
import { countQueue, type EgressParts } from "./egress-parts.ts";
import { regionOrder } from "./ingress.ts";
import { Latency } from "./latency.ts";
import { type Output, type OutputOrder, type OutputRule, takeOut } from "./output.ts";
import { OutputRules } from "./output-rules.ts";
import { Regions } from "./regions.ts";
import type { Batch } from "./sends.ts";
import { none, Slots } from "./slots.ts";

/** Datagrams that may wait for an output that rests: 20 ms at 100,000/s. */
const backlogMax = 2048;

/** The rules and outputs of one worker, and every datagram between the queue and the kernel. */
export class Egress {
  readonly slots = new Slots();
  private readonly parts: EgressParts;
  private readonly rules: OutputRules;
  private readonly ready: Output[] = [];
  private readonly blocked: Output[] = [];
  private readonly fresh: OutputRule[] = [];
  private readonly regions: Regions;
  /** The rule that orders did not bring when its datagrams came: they are nobody's. 0: none. */
  private forgotten = 0;
  private doubted = 0; // Of so many entries, the oldest, that is known; those behind them may have come with the rule's return.
  /** Ingress has said its last; what is held is all there is. */
  hasEnded = false;
  private readonly batch: Batch;
  private readonly latency: Latency | undefined;

  constructor(parts: EgressParts) {
    this.parts = parts;
    this.rules = new OutputRules((output, mayFinish) => this.retire(output, mayFinish), parts.flowOutputsMax);
    this.regions = new Regions(this.slots, parts);
    this.latency = parts.wallUs === undefined ? undefined : new Latency(parts.counters, parts.wallUs);
    const { sender, sends, stamper } = parts;
    this.batch = { sender, sends, stamper, slots: this.slots, latency: this.latency };
  }

  /** True while something is ready to be sent or on its way into the kernel. */
  get hasSends(): boolean {
    return this.ready.length > 0 || this.parts.sends.freeCount < this.parts.sender.sendsMax;
  }

  /** Queues sends for outputs that completions made ready. */
  proceed(): void {
    this.fill();
  }

  /** True while an output waits for room in its socket, which no completion will announce. */
  get hasBlocked(): boolean {
    return this.blocked.length > 0;
  }

  /** True when nothing is held: all that came has gone out or was counted as lost. */
  get isDrained(): boolean {
    return this.slots.held === 0;
  }

  /** Adds a rule or changes its outputs. An output known by its id keeps its place and loses nothing. */
  setRule(serial: number, orders: readonly OutputOrder[], counterIndex?: number): void {
    this.rules.set(serial, orders, counterIndex);
  }

  /** Forgets a rule; what its outputs had not sent is counted as dropped. Returns false when there was none. */
  removeRule(serial: number): boolean {
    return this.rules.remove(serial);
  }

  /** Orders have been read, all there were: if they did not bring the rule of the oldest entry, it is gone. */
  forgetUnknown(): void {
    this.forgotten = this.parts.queue.depth() > 0 ? this.parts.queue.word(0, 1) : 0;
  }

  /** The rules, to be asked; they are changed by setRule() and removeRule(). */
  get known(): Pick<OutputRules, "outputIds" | "serials" | "flowOutputs"> {
    return this.rules;
  }

  /**
   * One turn: takes what the queue holds (at most `budget` entries) and queues sends for it with the sender, which the
   * caller then hands to the kernel. Returns how many entries were taken; -1 when the next one belongs to a rule whose
   * order has not been read yet, and the caller must read orders first.
   */
  step(budget: number, nowNs: number): number {
    this.latency?.turn(nowNs);
    const taken = this.drain(budget);
    this.start();
    this.unblock(nowNs);
    this.fill();
    return taken;
  }

  /** A send is done: `token` as it was queued, bytes or -errno. Its output goes on with what is left. */
  completed(token: number, result: number, nowNs: number): void {
    const output = complete(this.batch, this.parts.counters, token, result, nowNs);
    if (output.inFlight > 0) {
      return;
    }
    if (output.isRemoved && (output.lastSlot === none || output.isBlocked || output.cursor === none)) {
      this.finish(output);
      return;
    }
    if (output.isBlocked) {
      this.blocked.push(output);
    } else if (output.cursor !== none) {
      this.makeReady(output);
    }
    this.regions.closeEmpty();
  }

  private drain(budget: number): number {
    const { queue, counters } = this.parts;
    const depth = queue.depth();
    countQueue(this.parts, depth);
    const count = Math.min(depth, budget);
    let taken = 0;
    while (taken < count) {
      const serial = queue.word(taken, 1);
      if (serial === 0) {
        this.regionChange(queue.word(taken, 0), queue.word(taken, 2));
      } else if (!this.enter(serial, taken)) {
        // Before orders are read: what they do not bring of these, nobody brings.
        this.doubted = depth;
        break;
      }
      taken++;
    }
    this.doubted = Math.max(0, this.doubted - taken);
    if (taken > 0) {
      queue.taken(taken);
      counters[counter.turns] = (counters[counter.turns] as number) + 1;
    }
    return taken === 0 && count > 0 ? -1 : taken;
  }

  /** Puts the entry `ahead` places on into its rule's backlog. False: its rule is not known yet. */
  private enter(serial: number, ahead: number): boolean {
    const { queue, counters } = this.parts;
    const { slots } = this;
    const rule = this.rules.find(serial);
    if (rule === undefined && (serial !== this.forgotten || ahead >= this.doubted)) {
      return false;
    }
    const slot = queue.word(ahead, 0);
    const place = queue.word(ahead, 2);
    const segments = queue.word(ahead, 3);
    const count = segments & 0xffff;
    counters[counter.taken] = (counters[counter.taken] as number) + count;
    if (rule === undefined) {
      counters[counter.unknownRule] = (counters[counter.unknownRule] as number) + count;
      slots.take(slot, 0, 0, 0, count, 0);
      return true;
    }
    slots.take(slot, place >>> 16, place & 0xffff, segments >>> 16, count, rule.users);
    if (rule.users > 0 && this.latency?.chooses()) {
      slots.follow(slot);
    }
    const lane = rule.isMapped && rule.users > 0 ? this.laneOf(rule, slot, place >>> 16) : rule;
    lane.tie(slots, slot, count);
    if (!lane.isFresh) {
      lane.isFresh = true;
      this.fresh.push(lane);
    }
    return true;
  }

  /** The backlog of the flow that the datagram in `slot` belongs to. */
  private laneOf(rule: OutputRule, slot: number, payloadOffset: number): OutputRule {
    const { slots } = this;
    slots.mark(slot, payloadOffset, rule.isMappedByPort);
    return this.rules.laneOf(rule, slots.destination[slot] as number, slots.port[slot] as number);
  }

  /** Shows every output of a rule with something new where to begin. */
  private start(): void {
    const { counters } = this.parts;
    for (const rule of this.fresh) {
      rule.countTaken(counters);
      counters[counter.datagrams] = (counters[counter.datagrams] as number) + rule.freshCount * rule.outputs.length;
      for (const output of rule.outputs) {
        output.add(counters, "entered", rule.freshCount);
        if (output.fd < 0) {
          lose(counters, output, rule.freshCount, "droppedPending");
          continue;
        }
        enter(counters, output, rule.freshCount);
        if (output.cursor === none) {
          output.cursor = rule.freshFirst;
        }
        if (output.isBlocked) {
          this.bound(output);
        } else if (output.inFlight === 0 && !output.isHeldBack) {
          this.makeReady(output);
        }
      }
      rule.isFresh = false;
      rule.freshFirst = none;
      rule.freshCount = 0;
    }
    this.fresh.length = 0;
  }

  /** A blocked output may not hold so many slots that others starve: the oldest go, counted. */
  private bound(output: Output): void {
    while (output.cursor !== none && (this.slots.isScarce(output.cursor) || output.backlog > backlogMax)) {
      drop(this.batch, this.parts.counters, output, output.failuresInRow > 0 ? "failed" : "droppedFull");
    }
    this.regions.closeEmpty();
  }

  private unblock(nowNs: number): void {
    for (let at = this.blocked.length - 1; at >= 0; at--) {
      const output = this.blocked[at] as Output;
      if (nowNs < output.blockedUntilNs) {
        continue;
      }
      this.blocked.splice(at, 1);
      output.isBlocked = false;
      if (output.cursor !== none) {
        this.makeReady(output);
      }
    }
  }

  /** Builds sends for ready outputs as far as the sender has room; the rest stay ready for the next turn. */
  private fill(): void {
    const { ready } = this;
    let served = 0;
    while (served < ready.length) {
      const output = ready[served] as Output;
      if (!gather(this.batch, output)) {
        break;
      }
      output.isReady = false;
      served++;
    }
    if (served === ready.length) {
      ready.length = 0;
    } else if (served > 0) {
      ready.splice(0, served);
    }
  }

  private makeReady(output: Output): void {
    if (!output.isReady) {
      output.isReady = true;
      this.ready.push(output);
    }
  }

  /** Takes an output out of service; its socket goes when nothing of it is in flight, or when it has sent what it has. */
  private retire(output: Output, mayFinish: boolean): void {
    if (mayFinish && output.canFinish) {
      output.isRemoved = true;
      output.rule?.leave(output);
      return;
    }
    // It may be in neither: a full socket is noted before the rest of its chain has come back, and listed only then.
    takeOut(this.ready, output);
    takeOut(this.blocked, output);
    output.isReady = false;
    output.isBlocked = false;
    output.isRemoved = true;
    if (output.inFlight === 0) {
      this.finish(output);
    }
  }

  /** Nothing of an output that goes is in flight: what it has not sent is dropped, and who waited for it goes on. */
  private finish(output: Output): void {
    discard(this.batch, this.parts.counters, output);
    this.closeSocket(output);
    for (const held of output.lastSlot === none ? [] : (output.rule?.left() ?? [])) {
      this.makeReady(held);
    }
  }

  private closeSocket(output: Output): void {
    if (output.fd >= 0 && output.socket.leave()) {
      this.parts.socketClosed(output.fd);
    }
    output.fd = -1;
    this.regions.closeEmpty();
  }

  private regionChange(order: number, index: number): void {
    if (order === regionOrder.attach) {
      this.regions.attach(index);
    } else if (order === regionOrder.end) {
      this.hasEnded = true;
    } else {
      this.regions.detach(index);
    }
  }
}
