// Datagrams from the sockets, in batches, to the verifier of each.
import { limits } from "../limits.ts";
import { errno } from "../shim/errno.ts";
import { getOption, isFailure } from "../shim/socket.ts";
import { Datagrams, monotonicNs, sleepUntil, socketDrops, Watches } from "../shim/traffic.ts";
import { bytesOf, PayloadReader } from "./payload.ts";
import { Verifier } from "./verify.ts";

const pollIn = 1;
// 64 KiB, and a bit more: rooms at distances of a power of two would share the same few lines of the cache.
const room = 64 * 1024 + 1536;
/** A receiver with this much buffer rests between looks, and reads many datagrams a call. */
const restBufferSize = 4 * 1024 * 1024;
const restNs = 500_000;

/** Reads bound sockets in batches; has a verifier for each. */
export class Receiver {
  readonly verifiers: readonly Verifier[];
  /** Monotonic; 0 before the first datagram of a generator. */
  firstNs = 0;
  lastNs = 0;
  received = 0;
  private readonly fds: readonly number[];
  private readonly watches: Watches;
  private readonly datagrams = new Datagrams(limits.trafficBatchMax, limits.trafficBatchMax * room);
  private readonly reader: PayloadReader;
  private readonly mayRest: boolean;

  /** `fds` are bound sockets, one a flow; they stay the caller's. */
  constructor(fds: readonly number[]) {
    this.fds = fds;
    this.watches = new Watches(fds, pollIn);
    this.verifiers = fds.map(() => new Verifier());
    this.reader = new PayloadReader(bytesOf(this.datagrams.memory.u8.buffer));
    for (let index = 0; index < limits.trafficBatchMax; index++) {
      this.datagrams.place(index, index * room, room);
    }
    this.mayRest = fds.every((fd) => {
      const size = getOption(fd, "SO_RCVBUF");
      return !isFailure(size) && size >= restBufferSize;
    });
  }

  /** Takes what comes until `untilNs`, or until `countMax` datagrams have come; a positive errno when a socket fails. */
  take(untilNs: number, countMax: number): number {
    for (let nowNs = monotonicNs(); nowNs < untilNs && this.received < countMax; nowNs = monotonicNs()) {
      const ready = this.watches.wait(Math.ceil((untilNs - nowNs) / 1e6));
      if (ready < 0 && ready !== -errno.EINTR) {
        return -ready;
      }
      for (let flow = 0; flow < this.fds.length && ready > 0; flow++) {
        const failure = this.watches.isReady(flow) ? this.drain(flow) : 0;
        if (failure !== 0) {
          return failure;
        }
      }
      if (ready > 0 && this.mayRest) {
        sleepUntil(monotonicNs() + restNs);
      }
    }
    return 0;
  }

  /** Reads one socket for a while; the others get their turn after some batches. */
  private drain(flow: number): number {
    const fd = this.fds[flow] ?? -1;
    for (let batches = 0; batches < 16; batches++) {
      const count = this.datagrams.receive(fd);
      if (count === -errno.EAGAIN || count === -errno.EINTR) {
        return 0;
      }
      if (count < 0) {
        return -count;
      }
      this.judge(flow, count);
      if (count < limits.trafficBatchMax) {
        return 0;
      }
    }
    return 0;
  }

  private judge(flow: number, count: number): void {
    const { datagrams, reader } = this;
    const verifier = this.verifiers[flow];
    if (verifier === undefined) {
      return;
    }
    const before = verifier.received;
    for (let index = 0; index < count; index++) {
      const size = datagrams.receivedSize(index);
      const kind = reader.read(index * room, size);
      const seconds = datagrams.arrivalSeconds(index);
      verifier.take(kind, reader.stamp, size, seconds, datagrams.arrivalNanoseconds(index));
    }
    if (verifier.received > before) {
      this.received += verifier.received - before;
      this.lastNs = monotonicNs();
      this.firstNs ||= this.lastNs;
    }
  }

  /** What the sockets had no room for. */
  get drops(): number {
    return this.fds.reduce((total, fd) => total + socketDrops(fd), 0);
  }

  close(): void {
    this.watches.close();
    this.datagrams.close();
  }
}
