// One output of a rule as egress drives it: where it stands in the rule's backlog, and what is in flight.

import { Aim, type Mapping } from "./aim.ts";
import {
  outputErrnoCount,
  outputErrnoFirst,
  outputField,
  outputFirst,
  outputSize,
  ruleField,
  ruleFirst,
  ruleSize,
} from "./counters.ts";
import { none, type Slots } from "./slots.ts";
import { headerSizeOf, type Stamp } from "./stamp.ts";

/** The largest UDP payload IPv4 can carry: 65,535 less 20 and 8. RFC 768, RFC 791. */
export const payloadMax = 65_507;

/** What an order says about one output: its socket, and its place in the counter page. */
export type OutputOrder = {
  id: number;
  fd: number;
  counter: number;
  /** False for a socket that is not UDP: it would send what was gathered as one datagram. Default true. */
  mayGather?: boolean;
  /** Of a raw socket that takes whole datagrams: what their headers say. */
  stamp?: Stamp | undefined;
  /** Its socket is connected to nobody, and each datagram goes to where this says; absent: the socket knows. */
  mapping?: Mapping | undefined;
};

/** A socket and how many outputs send by it: the flows of one output share it, and the last one closes it. */
export class OutputSocket {
  readonly fd: number;
  private users = 0;

  constructor(fd: number) {
    this.fd = fd;
  }

  take(): void {
    this.users++;
  }

  /** True when nobody else has it. */
  leave(): boolean {
    this.users--;
    return this.users === 0;
  }
}

/** One destination of a rule: its socket, its counters, its place in the rule's backlog. */
export class Output {
  /** The supervisor's number for the socket; the same number in a changed rule is the same output. */
  readonly id: number;
  readonly socket: OutputSocket;
  /** Where datagrams go that the socket does not know a place for. */
  readonly aim: Aim | undefined;
  /** Of the socket, or -1 while the output cannot work; then its datagrams are dropped and counted. */
  fd: number;
  /** First of its counters in the page. */
  readonly counters: number;
  /** First slot not sent yet, `none` when it has sent all. */
  cursor = none;
  /** Of the super-frame under the cursor: datagrams that went out on their own. */
  partsDone = 0;
  /** Datagrams it has entered and not left. */
  backlog = 0;
  /** Sends handed to the kernel and not completed; one chain at a time, so that order holds. */
  inFlight = 0;
  /** Largest segment the kernel takes in one super-send; lowered when it refuses (EINVAL, EMSGSIZE, EIO), 0: none. */
  segmentMax: number;
  /** Errno of the last attempt at the datagram under the cursor, 0 when it was not tried. */
  refusedErrno = 0;
  /** Sends that failed since one went out. */
  failuresInRow = 0;
  /** Not tried again before this time: the socket was full, or nothing went out of late. */
  blockedUntilNs = 0;
  isBlocked = false;
  isReady = false;
  isRemoved = false;
  /** Of an output that leaves its rule and sends what it has: its newest slot. What is chained behind it belongs to others. */
  lastSlot = none;
  /** Outputs leave its rule, and what they have came before what it has: it waits for them. */
  isHeldBack = false;
  rule: OutputRule | undefined;
  /** Set when its datagrams leave with the address and port of their sender. */
  readonly stamp: Stamp | undefined;
  /** Bytes of each send that are headers of ours. */
  readonly headerSize: number;

  /** `socket`: that of another output of the same order, to be shared. */
  constructor({ id, fd, counter, mayGather = true, stamp, mapping }: OutputOrder, socket = new OutputSocket(fd)) {
    this.id = id;
    this.fd = socket.fd;
    this.socket = socket;
    socket.take();
    this.aim = mapping === undefined ? undefined : new Aim(mapping);
    this.counters = outputFirst + counter * outputSize;
    this.segmentMax = mayGather ? payloadMax : 0;
    this.stamp = stamp;
    this.headerSize = stamp === undefined ? 0 : headerSizeOf(stamp);
  }

  /** Can send what it has before it goes: it is on its way already. */
  get canFinish(): boolean {
    return this.fd >= 0 && this.cursor !== none && !this.isBlocked && !this.isHeldBack;
  }

  /** The slot behind `slot` in its backlog, or `none`. */
  after(slots: Slots, slot: number): number {
    return slot === this.lastSlot ? none : (slots.next[slot] as number);
  }

  /** Adds to one of its counters. */
  add(counters: Float64Array, field: keyof typeof outputField, by: number): void {
    const at = this.counters + outputField[field];
    counters[at] = (counters[at] as number) + by;
  }

  /** Counts a send that the kernel refused by errno `code`. */
  countRefusal(counters: Float64Array, code: number, nowNs: number): void {
    this.set(counters, "lastErrno", code);
    this.set(counters, "lastErrnoNs", nowNs);
    const first = this.counters + outputErrnoFirst;
    for (let at = first; at < first + outputErrnoCount * 2; at += 2) {
      const known = counters[at] as number;
      if (known === code || known === 0) {
        counters[at] = code;
        counters[at + 1] = (counters[at + 1] as number) + 1;
        return;
      }
    }
    this.add(counters, "refusedOther", 1);
  }

  set(counters: Float64Array, field: keyof typeof outputField, value: number): void {
    counters[this.counters + outputField[field]] = value;
  }
}

/** A rule as egress sees it: its outputs, and the slots that came since this turn began. */
export class OutputRule {
  readonly serial: number;
  outputs: Output[] = [];
  /** Outputs that have a socket; each holds every slot of the rule until it has sent it. */
  users = 0;
  /** The newest slot that an output still holds, to which the next one is tied. */
  last = none;
  /** Outputs that are no more its own and still send what they have. */
  leavingCount = 0;
  freshFirst = none;
  freshCount = 0;
  isFresh = false;
  /** Some output sends different datagrams to different places, also by the port they came to. */
  isMapped = false;
  isMappedByPort = false;

  private readonly counters: number;

  /** `counterIndex` -1: nobody reads what is counted of the rule itself. */
  constructor(serial: number, outputs: Output[], counterIndex = -1) {
    this.serial = serial;
    this.counters = counterIndex < 0 ? -1 : ruleFirst + counterIndex * ruleSize;
    this.setOutputs(outputs);
  }

  /** Counts what came since this turn began as taken from the queue. */
  countTaken(counters: Float64Array): void {
    if (this.counters >= 0) {
      const at = this.counters + ruleField.taken;
      counters[at] = (counters[at] as number) + this.freshCount;
    }
  }

  /** Ties `slot`, which was just taken and holds `count` datagrams, behind the newest one. */
  tie(slots: Slots, slot: number, count: number): void {
    this.freshCount += count;
    if (this.users === 0) {
      return;
    }
    if (this.freshFirst === none) {
      this.freshFirst = slot;
    }
    if (this.last !== none) {
      slots.next[this.last] = slot;
    }
    this.last = slot;
  }

  /** `output` leaves, which can finish: what it has goes out before what comes with the outputs that follow it. */
  leave(output: Output): void {
    output.lastSlot = this.last;
    this.leavingCount++;
  }

  /** One that left has finished. With the last of them those that were held back go on: the ones that have something to send. */
  left(): Output[] {
    this.leavingCount--;
    const held = this.leavingCount > 0 ? [] : this.outputs.filter(({ isHeldBack }) => isHeldBack);
    for (const output of held) {
      output.isHeldBack = false;
    }
    return held.filter(({ cursor }) => cursor !== none);
  }

  /** Nothing of it waits or is on its way. */
  get isIdle(): boolean {
    return this.last === none && !this.isFresh && this.outputs.every(({ inFlight }) => inFlight === 0);
  }

  /** From the next slot on these are its outputs. */
  setOutputs(outputs: Output[]): void {
    this.outputs = outputs;
    this.users = outputs.filter((output) => output.fd >= 0).length;
    this.isMapped = outputs.some(({ aim }) => aim !== undefined);
    this.isMappedByPort = outputs.some(({ aim }) => aim?.isByPort === true);
    for (const output of outputs) {
      output.rule = this;
    }
  }
}

/** Takes `output` out of a list that may not hold it. */
export function takeOut(outputs: Output[], output: Output): void {
  const at = outputs.indexOf(output);
  if (at >= 0) {
    outputs.splice(at, 1);
  }
}
