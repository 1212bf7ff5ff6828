// Before the first real frame: the whole loop, run over frames of our own making, so that the JIT has compiled it. A cold worker
// takes ten times as long for a datagram, and a stream that begins at full rate would not wait.
// Sides, streams and ring are what they will be, and made in the same order: the JIT compiles for the shapes of objects that it has
// met, and anew when it meets others. Only the far ends are ours: we write the orders, frames lie in a memfd (frame-maker.ts), and
// what is sent goes nowhere.
import { assert } from "../base/assert.ts";
import { frame } from "../base/frames.ts";
import { reasonOf } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { LogPipe, type LogWriter } from "../log/writer.ts";
import { egress as counter, ingress as ingressCounter, pageSize } from "../relay/counters.ts";
import { Queue, queueMemory } from "../relay/queue.ts";
import { shim } from "../shim/library.ts";
import { type Mapped, map, memfd, scratch } from "../shim/memory.ts";
import type { Ring, RingKind } from "../shim/ring.ts";
import { EgressSide } from "./egress-side.ts";
import { FrameMaker, madeFlow, madeRing } from "./frame-maker.ts";
import { IngressSide } from "./ingress-side.ts";
import { alone, run } from "./loop.ts";
import type { DoorMessage, NumberedOrder, Order, OrderRule } from "./orders.ts";
import { openRing, wallUs, watch } from "./parts.ts";
import { RegionTable, regionMemory } from "./regions.ts";
import { Door, OrderStream, Reporter } from "./streams.ts";

const [stream, datagram, seqpacket] = [1, 2, 5];
const queueEntries = 1024;
/** Rows of the table of regions: the pool of large slots has the first. */
const rows = [0, 1];

const rule: OrderRule = {
  serial: 1,
  rule_id: "warm-up",
  counter: 0,
  captures: [1],
  ...madeFlow,
  source: 0,
  outputs: [{ id: 1, counter: 0, isPending: false }],
};
const capture: DoorMessage = { kind: "capture", serial: 1, counter: 0, link: "warm-up", ...madeRing };

/** Warms the calling thread up, on another ring of the kind that it has. A worker that cannot be warmed up lives all the same. */
export function warmUp(kind: RingKind, log: LogWriter): void {
  try {
    rehearse(openRing(kind, log));
  } catch (thrown) {
    log.say("Warning", `not warmed up, the first second will be slow: ${reasonOf(thrown)}`);
  }
}

/** Runs `limits.warmUpRounds` rounds on `ring`, which it closes; returns how many datagrams went through, of so many made. */
export function rehearse(ring: Ring): { made: number; sent: number } {
  const ends = new Ends();
  const page = map(pageSize);
  const counters = page.f64;
  const regions = new RegionTable(regionMemory());
  const queue = queueMemory(queueEntries);
  const reporter = new Reporter(ends.request);
  const pipe = new LogPipe({ write: () => "written", clockUs: wallUs });
  // The properties stand as where a worker is born.
  const ingress = new IngressSide({
    ring,
    counters,
    queue: new Queue(queue, "producer"),
    regions,
    door: new Door(ends.door),
    orders: new OrderStream(ends.ingress),
    reporter,
    pipe,
    wake: () => undefined,
  });
  const egress = new EgressSide({
    ring,
    counters,
    queue: new Queue(queue, "consumer"),
    regions,
    orders: new OrderStream(ends.egress),
    reporter,
    pipe,
    wakeup: -1,
  });
  const frames = new FrameMaker(ring, ends.memory, () => ends.finish());
  run(ring, [frames, ingress, egress], alone, watch(counters, ingressCounter.stallMaxUs));
  const result = { made: frames.made, sent: counters[counter.sent] as number };
  for (const row of rows) {
    regions.close(row);
  }
  ring.close();
  frames.close();
  ends.close();
  page.close();
  return result;
}

/** The streams of a worker that nobody supervises: its own ends by name, and what is said at the others. */
class Ends {
  readonly door: number;
  readonly request: number;
  readonly ingress: number;
  readonly egress: number;
  /** Of the capture ring. */
  readonly memory: number;
  private readonly open: number[] = [];
  private readonly farIngress: number;
  private readonly farEgress: number;
  private readonly buffer: Mapped = map(2 * limits.doorMessageSizeMax);
  private sequence = 0;

  constructor() {
    const [door, farDoor] = this.pair(seqpacket);
    const [ingress, farIngress] = this.pair(stream);
    const [egress, farEgress] = this.pair(stream);
    const [output, farOutput] = this.pair(datagram);
    throwAway(farOutput);
    this.door = door;
    this.request = this.pair(stream)[0];
    this.ingress = ingress;
    this.egress = egress;
    this.farIngress = farIngress;
    this.farEgress = farEgress;
    this.memory = memfd("mcr-warm-up", madeRing.blockSize);
    this.open.push(this.memory);
    this.pass(farDoor, encoder.encode(JSON.stringify(capture)), [this.memory]);
    this.order({ kind: "Sockets", ids: [1] }, [output]);
    this.order({ kind: "SyncRules", rules: [rule] });
  }

  /** The last orders. */
  finish(): void {
    this.order({ kind: "ChangeRules", put: [], remove: [rule.serial], isFirst: true, isLast: true });
    this.order({ kind: "Shutdown" });
  }

  close(): void {
    for (const fd of this.open) {
      shim.mcr_close(fd);
    }
    this.buffer.close();
  }

  private pair(type: number): [near: number, far: number] {
    assert(shim.mcr_pair(scratch.pointer, type) === 0, "there is a socket pair to be had");
    const ends: [number, number] = [scratch.i32[0] as number, scratch.i32[1] as number];
    this.open.push(...ends);
    return ends;
  }

  /** Egress first, as the supervisor does it. */
  private order(order: Order, sockets: readonly number[] = []): void {
    this.sequence++;
    const numbered: NumberedOrder = { seq: this.sequence, order };
    const bytes = frame(encoder.encode(JSON.stringify(numbered)));
    this.pass(this.farEgress, bytes, sockets);
    this.pass(this.farIngress, bytes, []);
  }

  private pass(fd: number, bytes: Uint8Array, fds: readonly number[]): void {
    const fdsAt = limits.doorMessageSizeMax;
    this.buffer.u8.set(bytes);
    this.buffer.i32.set(fds, fdsAt / 4);
    const sent = shim.mcr_fds_send(fd, this.buffer.pointer, bytes.length, this.buffer.at(fdsAt), fds.length);
    assert(sent === bytes.length, "a stream of ours takes what we pass");
  }
}

const encoder = new TextEncoder();

/** What is sent to `fd` from now on is sent well and goes nowhere: a filter of one instruction, "keep 0 bytes". socket(7). */
function throwAway(fd: number): void {
  const returnConstant = 0x06;
  scratch.u32.set([returnConstant, 0]);
  assert(shim.mcr_capture_filter(fd, scratch.pointer, 1) === 0, "a socket of ours takes a filter");
}
