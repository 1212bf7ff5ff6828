// The two ways words come to a worker: an order stream (with sockets beside it, on the egress side) and the door, fd 3.
// Both are read only when the thread's ring says that something is there, and never wait.
import { assert } from "../base/assert.ts";
import { FrameReader, frame } from "../base/frames.ts";
import { limits } from "../limits.ts";
import { errno, errnoName } from "../shim/errno.ts";
import { shim } from "../shim/library.ts";
import { type Mapped, map } from "../shim/memory.ts";
import { Garbage } from "./garbage.ts";
import { type DoorMessage, doorMessage, type Half, type NumberedOrder, numberedOrder, type Report } from "./orders.ts";

/** The other side is gone, or said what cannot be understood: `reason` is undefined for a plain end. */
export type StreamEnd = { ended: true; reason?: string };

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const fdsSize = 4 * (limits.orderSocketsMax + 2);
const reportHeaderSize = 8;
/** A report has room for it even when each character takes six bytes of JSON. */
const errorLengthMax = 1_000;

/** Reads `fd` once. Returns bytes read (0: end of file) or -errno; descriptors are appended to `fds`. */
function receive(fd: number, buffer: Mapped, room: number, fds: number[]): number {
  const out = buffer.at(room);
  const size = shim.mcr_fds_receive(fd, buffer.pointer, room, out, limits.orderSocketsMax);
  const count = buffer.i32[room >> 2] as number;
  for (let at = 0; at < count; at++) {
    fds.push(buffer.i32[(room >> 2) + 1 + at] as number);
  }
  return size;
}

/** One order stream, as its side of the worker reads it. */
export class OrderStream {
  readonly fd: number;
  /** Descriptors that came beside the bytes, in order, waiting for the order that names them. */
  readonly sockets: number[] = [];
  private readonly buffer = map(limits.orderReadSize + fdsSize);
  private readonly reader = new FrameReader(limits.orderSizeMax);
  private readonly garbage = new Garbage();

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Everything that can be read now. After an end the stream must not be read again. */
  read(): { orders: NumberedOrder[]; end?: StreamEnd } {
    const orders: NumberedOrder[] = [];
    for (;;) {
      const size = receive(this.fd, this.buffer, limits.orderReadSize, this.sockets);
      if (size === -errno.EAGAIN || size === -errno.EINTR) {
        return { orders };
      }
      if (size < 0) {
        return { orders, end: { ended: true, reason: `reading orders: ${errnoName(size)}` } };
      }
      if (size === 0) {
        return { orders, end: this.atEnd() };
      }
      this.garbage.note(size);
      const refused = this.take(size, orders);
      if (refused !== undefined) {
        return { orders, end: { ended: true, reason: refused } };
      }
    }
  }

  private atEnd(): StreamEnd {
    return this.reader.isBetween ? { ended: true } : { ended: true, reason: "the stream ended inside an order" };
  }

  private take(size: number, orders: NumberedOrder[]): string | undefined {
    const read = this.reader.push(this.buffer.u8.subarray(0, size));
    for (const body of "refused" in read ? read.bodies : read) {
      try {
        orders.push(numberedOrder.parse(JSON.parse(decoder.decode(body))));
      } catch (refusal) {
        return `an order that cannot be read: ${refusal instanceof Error ? refusal.message.slice(0, 300) : refusal}`;
      }
    }
    return "refused" in read ? read.refused : undefined;
  }
}

/** A message that came through fd 3, and the descriptors beside it. */
export type Delivery = { message: DoorMessage; fds: number[] };

/** The end of fd 3 in the worker. */
export class Door {
  readonly fd: number;
  private readonly buffer = map(limits.doorMessageSizeMax + fdsSize);

  constructor(fd: number) {
    this.fd = fd;
  }

  /** The next message, undefined when there is none now. Each read is one message (SOCK_SEQPACKET). */
  next(): Delivery | StreamEnd | undefined {
    const fds: number[] = [];
    const size = receive(this.fd, this.buffer, limits.doorMessageSizeMax, fds);
    if (size === -errno.EAGAIN || size === -errno.EINTR) {
      return undefined;
    }
    if (size < 0) {
      return { ended: true, reason: `reading fd ${this.fd}: ${errnoName(size)}` };
    }
    if (size === 0) {
      return { ended: true };
    }
    try {
      return { message: doorMessage.parse(JSON.parse(decoder.decode(this.buffer.u8.subarray(0, size)))), fds };
    } catch (refusal) {
      return { ended: true, reason: `fd ${this.fd} said what is not understood: ${String(refusal).slice(0, 300)}` };
    }
  }
}

/**
 * Says something to the supervisor on the request socket. Never waits: what the socket does not take is kept and offered again
 * at flush(). Each report is one write, which a stream socket takes whole or not at all (net/unix/af_unix.c), so that the
 * reports of two threads never mix.
 */
export class Reporter {
  readonly fd: number;
  private readonly buffer = map(limits.reportSizeMax + reportHeaderSize);
  private readonly waiting: Uint8Array[] = [];
  private waitingSize = 0;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** True while something waits for the supervisor to read. */
  get isBehind(): boolean {
    return this.waiting.length > 0;
  }

  /** A half has carried out order `seq`, or not (`error`), and holds `rules` since (digest.ts). */
  done(seq: number, by: Half, rules: string, error: string | undefined): void {
    this.say({
      kind: "done",
      seq,
      by,
      rules,
      ...(error === undefined ? {} : { error: error.slice(0, errorLengthMax) }),
    });
  }

  /** Says `report` as soon as the supervisor reads. One that never does ends us: it has forgotten whom it gives orders. */
  say(report: Report): void {
    const bytes = frame(encoder.encode(JSON.stringify(report)));
    this.waiting.push(bytes);
    this.waitingSize += bytes.length;
    assert(this.waitingSize <= limits.reportQueueSizeMax, "the supervisor reads what its worker reports");
    this.flush();
  }

  /** Nothing more will be said or done: the supervisor reads the end of the file, sooner than the process is gone. */
  close(): void {
    shim.mcr_close(this.fd);
  }

  /** Offers again what was not taken before. */
  flush(): void {
    for (let bytes = this.waiting[0]; bytes !== undefined; bytes = this.waiting[0]) {
      this.buffer.u8.set(bytes);
      if (shim.mcr_write(this.fd, this.buffer.pointer, bytes.length) !== bytes.length) {
        // Full, or the supervisor is gone: the order streams will say so.
        return;
      }
      this.waiting.shift();
      this.waitingSize -= bytes.length;
    }
  }
}
