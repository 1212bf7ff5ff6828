// Datagrams onto the wire, in batches. A number of a sequence is spent only when the kernel has taken the datagram, so that
// what a receiver misses was lost on the way and not here.
import { limits } from "../limits.ts";
import { errno } from "../shim/errno.ts";
import { Datagrams, monotonicNs, RealClock, sleepUntil, Watches } from "../shim/traffic.ts";
import { bytesOf, newStamp, PayloadWriter } from "./payload.ts";
import { Random } from "./random.ts";
import type { GenSettings } from "./settings.ts";

const pollOut = 4;

type Flow = { fd: number; index: number; sequence: number; empties: number; watches: Watches };

/** What an ICMP message about an earlier datagram makes of the next send; that one has not been tried. */
const echoes: readonly number[] = [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EINTR];

/** Makes and sends the datagrams of all flows; counts what the kernel took and what it refused. */
export class Sender {
  sent = 0;
  sentBytes = 0;
  /** Datagrams that the kernel would not take. */
  failed = 0;
  /** Refused sends by errno, also those that went well when tried again. */
  readonly refusals = new Map<number, number>();
  private readonly flows: Flow[];
  private readonly datagrams: Datagrams;
  private readonly writer: PayloadWriter;
  private readonly random: Random;
  private readonly clock = new RealClock();
  private readonly stamp = newStamp();
  private readonly settings: GenSettings;
  private readonly stride: number;
  // Of each message of a batch: what its flow's counters were before it, and how many datagrams and bytes it holds.
  private readonly sequencesBefore = new Float64Array(limits.trafficBatchMax);
  private readonly emptiesBefore = new Float64Array(limits.trafficBatchMax);
  private readonly held = new Uint32Array(limits.trafficBatchMax);
  private readonly sizes = new Uint32Array(limits.trafficBatchMax);

  /** `fds` are connected sockets, one a flow; they stay the caller's. */
  constructor(fds: readonly number[], settings: GenSettings) {
    this.settings = settings;
    this.random = new Random(settings.seed);
    // A message's first byte on a boundary of the cache.
    this.stride = Math.ceil(Math.max(settings.size.high * settings.gso, 1) / 64) * 64;
    const patternAt = limits.trafficBatchMax * this.stride;
    this.datagrams = new Datagrams(limits.trafficBatchMax, patternAt + PayloadWriter.patternSize);
    this.writer = new PayloadWriter(bytesOf(this.datagrams.memory.u8.buffer), patternAt, settings.seed);
    this.flows = fds.map((fd, index) => ({ fd, index, sequence: 0, empties: 0, watches: new Watches([fd], pollOut) }));
    this.stamp.run = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  }

  /** Sends `count` datagrams of flow `index`; those not taken by `deadlineNs` are given up and counted as failed. */
  send(index: number, count: number, deadlineNs: number): void {
    const flow = this.flows[index % this.flows.length];
    for (let left = count; flow !== undefined && left > 0; ) {
      const messages = Math.min(Math.ceil(left / this.settings.gso), limits.trafficBatchMax);
      const datagrams = Math.min(left, messages * this.settings.gso);
      this.prepare(flow, messages, datagrams);
      this.submit(flow, messages, deadlineNs);
      left -= datagrams;
    }
  }

  private prepare(flow: Flow, messages: number, datagrams: number): void {
    const { gso } = this.settings;
    for (let message = 0; message < messages; message++) {
      this.sequencesBefore[message] = flow.sequence;
      this.emptiesBefore[message] = flow.empties;
      const held = Math.min(gso, datagrams - message * gso);
      const offset = message * this.stride;
      let end = offset;
      for (let segment = 0; segment < held; segment++) {
        end += this.write(flow, end);
      }
      this.held[message] = held;
      this.sizes[message] = end - offset;
      this.datagrams.place(message, offset, end - offset);
    }
  }

  /** Makes the flow's next datagram at `offset`; its size. */
  private write(flow: Flow, offset: number): number {
    const { payload } = this.settings;
    if (payload !== undefined) {
      this.datagrams.memory.u8.set(payload, offset);
      return payload.length;
    }
    const { low, high } = this.settings.size;
    const size = low === high ? low : this.random.between(low, high);
    if (size === 0) {
      flow.empties++;
      return 0;
    }
    const { stamp, clock } = this;
    clock.read();
    stamp.seconds = clock.seconds;
    stamp.nanoseconds = clock.nanoseconds;
    stamp.flow = flow.index;
    stamp.sequence = flow.sequence++;
    stamp.empties = flow.empties;
    this.writer.write(offset, size, stamp);
    return size;
  }

  private submit(flow: Flow, messages: number, deadlineNs: number): void {
    let first = 0;
    let echoesInRow = 0;
    while (first < messages) {
      const taken = this.datagrams.send(flow.fd, first, messages - first);
      if (taken > 0) {
        this.count(first, first + taken);
        first += taken;
        echoesInRow = 0;
        continue;
      }
      echoesInRow++;
      if (!this.mayRetry(flow, -taken, echoesInRow, deadlineNs)) {
        this.giveUp(flow, first, messages);
        return;
      }
    }
  }

  /** Counts the refusal, waits if waiting can help, and says whether to try again. */
  private mayRetry(flow: Flow, code: number, inRow: number, deadlineNs: number): boolean {
    // A full socket is how a fast sender learns the speed of the link; all else is worth telling.
    if (code !== errno.EAGAIN && code !== errno.EINTR) {
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    }
    const nowNs = monotonicNs();
    if (code === errno.EAGAIN && nowNs < deadlineNs) {
      flow.watches.wait(Math.ceil((deadlineNs - nowNs) / 1e6));
      return true;
    }
    if (code === errno.ENOBUFS && nowNs < deadlineNs) {
      sleepUntil(nowNs + 100_000);
      return true;
    }
    return echoes.includes(code) && inRow === 1;
  }

  private count(first: number, end: number): void {
    for (let message = first; message < end; message++) {
      this.sent += this.held[message] ?? 0;
      this.sentBytes += this.sizes[message] ?? 0;
    }
  }

  private giveUp(flow: Flow, first: number, messages: number): void {
    for (let message = first; message < messages; message++) {
      this.failed += this.held[message] ?? 0;
    }
    flow.sequence = this.sequencesBefore[first] ?? 0;
    flow.empties = this.emptiesBefore[first] ?? 0;
  }

  close(): void {
    this.datagrams.close();
    for (const flow of this.flows) {
      flow.watches.close();
    }
  }
}
