// Egress between a producer and a kernel that are played here, beside a plain account of what each output must have seen.
import { egress as counter, counterCount, outputField, outputFirst, outputSize } from "../../src/relay/counters.ts";
import { Egress } from "../../src/relay/egress.ts";
import { regionOrder } from "../../src/relay/ingress.ts";
import { Queue, queueMemory } from "../../src/relay/queue.ts";
import { Sends } from "../../src/relay/sends.ts";
import type { Stamper } from "../../src/relay/stamp.ts";
import { claim, FakeKernel, type Fault, type Stretch, WatchedRegion } from "./kernel.ts";

const payloadOffset = 56;
const slotsARegion = 1000;

/** What waits in the queue: a datagram (or several, `parts`), or an order about a region. */
type Entry = { serial: number; ids: number[] };
/** One output as it must be: what entered it, and what the kernel was seen to take. */
type Account = { id: number; fd: number; counter: number; entered: number[]; isGone: boolean };
type Held = { ids: number[]; size: number; segment: number };

/** For outputs that preserve no address. */
export const noStamper: Stamper = {
  memory: { address: 0, u8: new Uint8Array(0), u16: new Uint16Array(0), u32: new Uint32Array(0) },
  onesSum: () => 0,
};

export const healthy: Fault = () => 0;

export class EgressLab {
  readonly counters = new Float64Array(counterCount);
  readonly kernel: FakeKernel;
  readonly egress: Egress;
  readonly regions = new Map<number, WatchedRegion>();
  readonly closedRegions: number[] = [];
  /** Every output there ever was; a socket and a place in the counter page each. */
  readonly accounts: Account[] = [];
  nowNs = 0;
  private readonly producer: Queue;
  private readonly queued: Entry[] = [];
  private readonly rules = new Map<number, Account[]>();
  private readonly content = new Map<number, Held>();
  private serialMax = 0;
  private lastId = 0;
  private unknown = 0;
  private isPublished = true;

  constructor(sendsMax = 256, queueSize = 4096) {
    const memory = queueMemory(queueSize);
    this.producer = new Queue(memory, "producer");
    this.kernel = new FakeKernel(sendsMax, (address, size, segment) => this.stretches(address, size, segment));
    this.egress = new Egress({
      counters: this.counters,
      queue: new Queue(memory, "consumer"),
      sender: this.kernel,
      sends: new Sends(sendsMax),
      stamper: noStamper,
      regionOpen: (index) => this.region(index),
      regionClosed: (index) => {
        claim(this.region(index).heldCount === 0, "a region goes when its last slot is back");
        claim(this.regions.delete(index), "a region goes once");
        this.closedRegions.push(index);
      },
      socketClosed: (fd) => {
        claim(!this.kernel.isInFlight(fd), "a socket is closed when nothing is in flight on it");
        claim(!this.kernel.closed.has(fd), "a socket is closed once");
        this.kernel.closed.add(fd);
      },
    });
  }

  /** A new region; slots of it can be put from now on. */
  attach(index: number, slotCount: number): void {
    this.regions.set(index, new WatchedRegion(index * slotsARegion, slotCount, (index + 1) * 2 ** 33));
    this.order(regionOrder.attach, index);
  }

  detach(index: number): void {
    this.order(regionOrder.detach, index);
  }

  end(): void {
    this.order(regionOrder.end, 0);
  }

  /**
   * Puts one frame of rule `serial` into a free slot of region `index`; with `segment`, a super-frame. Returns false when
   * the region has no free slot or the queue no room.
   */
  put(index: number, serial: number, size: number, segment = 0): boolean {
    const region = this.region(index);
    const slot = region.freeSlot();
    if (slot < 0 || !this.producer.hasRoom()) {
      return false;
    }
    region.take(slot);
    const count = segment === 0 ? 1 : Math.max(1, Math.ceil(size / segment));
    const ids = Array.from({ length: count }, () => ++this.lastId);
    this.content.set(region.shape.slotFirst + slot, { ids, size, segment });
    const segmentWord = count > 1 ? segment << 16 : 0;
    this.producer.put(region.shape.slotFirst + slot, serial, (payloadOffset << 16) | size, segmentWord | count);
    this.queued.push({ serial, ids });
    this.isPublished = false;
    return true;
  }

  publish(): void {
    this.producer.publish();
    this.isPublished = true;
  }

  /** Gives rule `serial` these outputs: accounts it has, new ones ("new"), or ones that cannot work yet ("pending"). */
  setRule(serial: number, wanted: readonly (Account | "new" | "pending")[], mayGather = true): Account[] {
    const accounts = wanted.map((each) => (typeof each === "string" ? this.account(each === "new") : each));
    for (const account of this.rules.get(serial) ?? []) {
      account.isGone = !accounts.includes(account);
    }
    this.rules.set(serial, accounts);
    this.serialMax = Math.max(this.serialMax, serial);
    this.egress.setRule(
      serial,
      accounts.map(({ id, fd, counter: place }) => ({ id, fd, counter: place, mayGather })),
    );
    return accounts;
  }

  removeRule(serial: number): void {
    for (const account of this.rules.get(serial) ?? []) {
      account.isGone = true;
    }
    const isKnown = this.rules.delete(serial);
    claim(this.egress.removeRule(serial) === isKnown, "removeRule says whether there was one");
  }

  outputs(serial: number): Account[] {
    return this.rules.get(serial) ?? [];
  }

  /** One turn of egress, and the same turn in the accounts. */
  step(budget = 1024): number {
    const taken = this.egress.step(budget, this.nowNs);
    if (taken < 0 && (this.queued[0]?.serial ?? 0) <= this.serialMax && !this.rules.has(this.queued[0]?.serial ?? 0)) {
      // A rule that is gone stops the queue too, until the orders that might have brought it back have been read.
      this.egress.forgetUnknown();
      return this.step(budget);
    }
    for (const { serial, ids } of this.queued.splice(0, Math.max(0, taken))) {
      const accounts = this.rules.get(serial);
      if (serial !== 0 && accounts === undefined) {
        this.unknown += ids.length;
      }
      for (const account of accounts ?? []) {
        account.entered.push(...ids);
      }
    }
    if (taken < 0) {
      const serial = this.queued[0]?.serial ?? 0;
      claim(!this.rules.has(serial) && serial > this.serialMax, "only a rule not heard of yet stops the queue");
    }
    return taken;
  }

  /** The order for the rule of the oldest entry will not come. */
  forget(): void {
    this.egress.forgetUnknown();
    if (this.isPublished && this.queued[0] !== undefined) {
      this.serialMax = Math.max(this.serialMax, this.queued[0].serial);
    }
  }

  run(which: number, fault: Fault): void {
    this.kernel.run(which, fault);
  }

  complete(which: number): boolean {
    const done = this.kernel.complete(which);
    if (done !== undefined) {
      this.egress.completed(done.token, done.result, this.nowNs);
    }
    return done !== undefined;
  }

  /** Turns, sends and completions until nothing moves any more. */
  settle(fault: Fault = healthy, turnsMax = 100_000): void {
    this.publish();
    for (let turn = 0; turn < turnsMax; turn++) {
      this.nowNs += 1e6;
      if (this.step() < 0) {
        this.forget();
      }
      while (this.kernel.pendingCount > 0) {
        this.run(0, fault);
      }
      while (this.complete(0));
      if (this.queued.length === 0 && this.egress.isDrained && !this.egress.hasSends) {
        this.step();
        return;
      }
    }
    throw new Error(`nothing moves: ${this.queued.length} queued, ${this.egress.slots.held} slots held`);
  }

  value(account: Account, field: keyof typeof outputField): number {
    return this.counters[outputFirst + account.counter * outputSize + outputField[field]] ?? 0;
  }

  total(name: keyof typeof counter): number {
    return this.counters[counter[name]] ?? 0;
  }

  /** What must hold at any time: the conservation of datagrams and of slots, and the order of each output. */
  check(): void {
    const sums = { entered: 0, sent: 0, failed: 0, dropped: 0 };
    for (const account of this.accounts) {
      const [entered, sent, failed, dropped] = (["entered", "sent", "failed", "dropped"] as const).map((field) => {
        const value = this.value(account, field);
        sums[field] += value;
        return value;
      }) as [number, number, number, number];
      const name = `output ${account.id}`;
      claim(entered === account.entered.length, `${name}: ${account.entered.length} entered, it says ${entered}`);
      const held = entered - sent - failed - dropped;
      claim(held >= 0, `${name}: entered ${entered} = sent ${sent} + failed ${failed} + dropped ${dropped} + held`);
      const delivered = this.kernel.delivered.get(account.fd) ?? [];
      claim(sent <= delivered.length, `${name}: ${delivered.length} left, it says ${sent}`);
      claim(isSubsequence(delivered, account.entered), `${name}: what left is what entered, in order, once`);
      if (account.isGone && !this.egress.hasSends) {
        claim(held === 0, `${name} is gone and still holds ${held}`);
        claim(account.fd < 0 || this.kernel.closed.has(account.fd), `${name} is gone and its socket open`);
      }
    }
    claim(sums.entered === this.total("datagrams"), "datagrams are what entered the outputs");
    for (const name of ["sent", "failed", "dropped"] as const) {
      claim(sums[name] === this.total(name), `${name} is what the outputs say together`);
    }
    claim(this.unknown === this.total("unknownRule"), "datagrams of unknown rules are counted");
    const ours = [...this.regions.values()].reduce((sum, region) => sum + region.heldCount, 0);
    const waiting = this.queued.filter(({ serial }) => serial !== 0).length;
    claim(ours === this.egress.slots.held + waiting, `${ours} slots are ours: in the queue or held, ${waiting} wait`);
  }

  /** What must hold when nothing moves any more. */
  checkSettled(): void {
    this.check();
    claim(this.egress.isDrained && !this.egress.hasSends, "all is out");
    for (const account of this.accounts) {
      const left = this.value(account, "sent") + this.value(account, "failed") + this.value(account, "dropped");
      claim(left === account.entered.length, `output ${account.id}: all that entered has left`);
      const delivered = this.kernel.delivered.get(account.fd) ?? [];
      claim(delivered.length === this.value(account, "sent"), `output ${account.id}: sent is what left`);
    }
  }

  private account(isOpen: boolean): Account {
    const id = this.accounts.length + 1;
    const account = { id, fd: isOpen ? 1000 + id : -1, counter: id, entered: [], isGone: false };
    this.accounts.push(account);
    return account;
  }

  private order(order: number, index: number): void {
    claim(this.producer.hasRoom(), "the lab leaves room for orders");
    this.producer.put(order, 0, index, 0);
    this.queued.push({ serial: 0, ids: [] });
    this.publish();
  }

  private region(index: number): WatchedRegion {
    const region = this.regions.get(index);
    if (region === undefined) {
      throw new Error(`region ${index} is there`);
    }
    return region;
  }

  /** What lies at an address, as the kernel would read it now. */
  private stretches(address: number, size: number, segment: number): Stretch[] {
    const region = [...this.regions.values()].find(({ shape }) => {
      return address >= shape.address && address + size <= shape.address + shape.size;
    });
    claim(region !== undefined, "the kernel reads from a region that is mapped");
    const { shape } = region as WatchedRegion;
    const slot = Math.floor((address - shape.address) / shape.slotSize);
    claim(region?.status(slot) === 1, "the kernel reads from a slot that is still ours");
    const held = this.content.get(shape.slotFirst + slot);
    const from = address - shape.address - slot * shape.slotSize - payloadOffset;
    if (held === undefined || from < 0 || from + size > held.size) {
      throw new Error("the kernel reads inside a payload");
    }
    return partsOf(held, from, size, segment);
  }
}

/** The datagrams of `size` bytes from `from` on, sent with UDP_SEGMENT `segment`; cuts must lie where the frame has them. */
function partsOf(held: Held, from: number, size: number, segment: number): Stretch[] {
  if (held.ids.length === 1) {
    claim(from === 0 && size === held.size, "a datagram is sent whole");
    return [{ id: held.ids[0] ?? 0, size }];
  }
  claim(from % held.segment === 0, "a part begins where a datagram begins");
  const first = from / held.segment;
  const count = segment === 0 ? 1 : Math.ceil(size / segment);
  claim(segment === 0 || segment === held.segment, "a super-frame is cut where it was put together");
  return Array.from({ length: count }, (_, at) => {
    const part = first + at;
    const partSize = Math.min(held.segment, held.size - part * held.segment);
    claim(segment !== 0 || partSize === size, "a part is sent whole");
    return { id: held.ids[part] ?? 0, size: partSize };
  });
}

function isSubsequence(some: readonly number[], all: readonly number[]): boolean {
  let at = 0;
  for (const each of some) {
    while (at < all.length && all[at] !== each) {
      at++;
    }
    if (at === all.length) {
      return false;
    }
    at++;
  }
  return true;
}
