// The supervisor's end of a worker's order streams. Never waits: what a stream does not take now is kept, bounded, and
// offered again. Egress gets every order before ingress does, so that no datagram reaches egress before its rule.
import { frame } from "../../base/frames.ts";
import { limits } from "../../limits.ts";
import { errno, errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import { map } from "../../shim/memory.ts";
import type { NumberedOrder } from "../../worker/orders.ts";

type Piece = { fd: number; bytes: Uint8Array; at: number; sockets: readonly number[] };

const chunkSize = 64 * 1024;
// One buffer serves all writers: a call copies into it, sends, and is done with it.
const chunk = map(chunkSize + 4 * limits.orderSocketsMax);
const encoder = new TextEncoder();

/** Writes orders to one worker, whole and in order, for as long as it reads. */
export class OrderWriter {
  private readonly ingress: number;
  private readonly egress: number;
  private readonly queue: Piece[] = [];
  private queuedSize = 0;
  private isBroken = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly onBroken: (reason: string) => void;

  /** `onBroken` is called once when a stream is gone or its worker does not read. */
  constructor(ingress: number, egress: number, onBroken: (reason: string) => void) {
    this.ingress = ingress;
    this.egress = egress;
    this.onBroken = onBroken;
  }

  /** Sends an order on both streams; `sockets` travel beside it on the egress stream. A broken stream takes nothing more. */
  send(order: NumberedOrder, sockets: readonly number[]): void {
    if (this.isBroken) {
      return;
    }
    const bytes = frame(encoder.encode(JSON.stringify(order)));
    this.queue.push({ fd: this.egress, bytes, at: 0, sockets }, { fd: this.ingress, bytes, at: 0, sockets: [] });
    this.queuedSize += 2 * bytes.length;
    if (this.queuedSize > limits.orderQueueSizeMax) {
      this.break(`${this.queuedSize} bytes of orders wait for it`);
      return;
    }
    this.flush();
  }

  /** True when the worker has all that was sent. */
  get isIdle(): boolean {
    return this.queue.length === 0;
  }

  /** Forgets what was not sent and closes both streams. */
  close(): void {
    clearTimeout(this.timer);
    this.queue.length = 0;
    this.queuedSize = 0;
    shim.mcr_close(this.ingress);
    shim.mcr_close(this.egress);
  }

  private flush(): void {
    clearTimeout(this.timer);
    for (let piece = this.queue[0]; piece !== undefined; piece = this.queue[0]) {
      const sent = this.offer(piece);
      if (sent === -errno.EAGAIN || sent === -errno.EINTR) {
        this.timer = setTimeout(() => this.flush(), limits.orderRetryMs);
        return;
      }
      if (sent < 0) {
        this.break(`writing orders: ${errnoName(sent)}`);
        return;
      }
      piece.at += sent;
      piece.sockets = [];
      this.queuedSize -= sent;
      if (piece.at === piece.bytes.length) {
        this.queue.shift();
      }
    }
  }

  private offer(piece: Piece): number {
    const size = Math.min(chunkSize, piece.bytes.length - piece.at);
    chunk.u8.set(piece.bytes.subarray(piece.at, piece.at + size));
    for (const [at, fd] of piece.sockets.entries()) {
      chunk.i32[chunkSize / 4 + at] = fd;
    }
    return shim.mcr_fds_send(piece.fd, chunk.pointer, size, chunk.at(chunkSize), piece.sockets.length);
  }

  private break(reason: string): void {
    this.isBroken = true;
    this.queue.length = 0;
    this.queuedSize = 0;
    this.onBroken(reason);
  }
}
