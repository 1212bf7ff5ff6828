// A thread's ring, its only blocking point: what every kind of ring does, and the kind that is an io_uring.
import { type Pointer, toArrayBuffer } from "bun:ffi";
import { assert } from "../base/assert.ts";
import { Done, Piece, RingPlaces, ringFeatures, Send } from "./abi.ts";
import { highWord, lowWord } from "./address.ts";
import { errnoName } from "./errno.ts";
import { shim } from "./library.ts";
import { scratch } from "./memory.ts";
import { openFor } from "./ring-restrictions.ts";

/** Poll bits; poll(2). */
export const pollBits = { in: 1, out: 4, error: 8, hangUp: 16 } as const;

/** Shapes of one ring: queue entries, sends in flight, pieces a send may gather. */
export type RingShape = { entries: number; sendsMax: number; piecesMax: number };

/** How a ring waits and sends: by io_uring, or without it by ppoll and sendmmsg (poll-ring.ts). */
export type RingKind = "io_uring" | "ppoll";

/** The system calls by which a ring of each kind does all that it does once it is open. */
export const ringCalls = {
  io_uring: ["io_uring_enter"],
  ppoll: ["ppoll", "epoll_pwait", "sendmmsg", "epoll_ctl"],
} as const satisfies Record<RingKind, readonly string[]>;

/** The one ring of a thread: queue, wait, read what is done. Nothing else of the thread may wait. */
export type Ring = {
  readonly kind: RingKind;
  readonly sendsMax: number;
  readonly piecesMax: number;
  /** True when a wait can gather. */
  readonly canGather: boolean;
  /** Watches `fd`: one completion under `token` each time one of `events` comes up, until cancelled. */
  poll(fd: number, events: number, token: number): void;
  /** Ends the poll under `token`: its last completion says -ECANCELED. */
  cancel(token: number): void;
  /** Where send `index` goes, in network order, whatever its socket is connected to; address 0: to where that is. Before send(). */
  to(index: number, address: number, port: number): void;
  /** Puts `size` bytes at `address` (as C knows it) into place `piece` of send `index`. */
  piece(index: number, piece: number, address: number, size: number): void;
  /**
   * Queues send `index`, whose pieces are in place: one datagram, or segments of `segmentSize` bytes when that is not 0.
   * `isChained`: the next one queued goes out after it, and not at all (ECANCELED) when it fails.
   */
  send(index: number, fd: number, pieceCount: number, segmentSize: number, token: number, isChained: boolean): void;
  /**
   * Hands over what is queued and returns how many completions are to be read. `timeoutUs` 0 does not wait; else it waits
   * for one, that long at most, and when they keep coming at least `gatherUs` (where it can: canGather). A signal ends the
   * wait; the caller's next turn is the retry.
   */
  wait(gatherUs: number, timeoutUs: number): number;
  /** Of completion `at`, as it was given. */
  token(at: number): number;
  /** Bytes sent, poll bits, or -errno. */
  result(at: number): number;
  /** False when a poll has ended and must be asked for again. */
  isArmed(at: number): boolean;
  close(): void;
};

/** The kernel would not make a ring; `code` is a positive errno. */
export class RingRefused extends Error {
  override name = "RingRefused";
  readonly code: number;
  constructor(code: number) {
    super(`io_uring_setup: ${errnoName(code)}`);
    this.code = code;
  }
}

const words = {
  send: Send.size / 4,
  piece: Piece.size / 4,
  done: Done.size / 4,
  fd: Send.fd / 4,
  address: Send.address / 4,
  port: Send.port / 4,
  pieceFirst: Send.piece_first / 4,
  pieceCount: Send.piece_count / 4,
  segmentSize: Send.segment_size / 4,
  token: Done.token / 4,
  result: Done.result / 4,
  more: Done.more / 4,
} as const;

/** A ring that is an io_uring. */
export class Uring implements Ring {
  readonly kind = "io_uring";
  readonly sendsMax: number;
  readonly piecesMax: number;
  /** True when the kernel runs completions only when asked (DEFER_TASKRUN). */
  readonly isDeferred: boolean;
  /** True when a wait can gather (Linux 6.12). */
  readonly canGather: boolean;
  private readonly pointer: Pointer;
  private readonly done: Int32Array;
  private readonly sends: Int32Array;
  private readonly pieces: Uint32Array;
  private isOpen = true;

  /** Throws RingRefused when the kernel says no. The calling thread must be the only one to use it. */
  constructor(shape: RingShape) {
    const pointer = shim.mcr_ring_open(scratch.pointer, shape.entries, shape.sendsMax, shape.piecesMax);
    const features = scratch.u32[RingPlaces.features / 4] ?? 0;
    if (pointer === null) {
      throw new RingRefused(features);
    }
    this.pointer = pointer as Pointer;
    this.sendsMax = shape.sendsMax;
    this.piecesMax = shape.piecesMax;
    this.isDeferred = (features & ringFeatures.defer) !== 0;
    this.canGather = (features & ringFeatures.gather) !== 0;
    const place = (offset: number) => scratch.f64[offset / 8] as Pointer;
    const fd = scratch.i32[RingPlaces.fd / 4] ?? -1;
    const doneMax = scratch.u32[RingPlaces.done_max / 4] ?? 0;
    const pieceCount = shape.sendsMax * shape.piecesMax;
    this.done = new Int32Array(toArrayBuffer(place(RingPlaces.done), 0, doneMax * Done.size));
    this.sends = new Int32Array(toArrayBuffer(place(RingPlaces.sends), 0, shape.sendsMax * Send.size));
    this.pieces = new Uint32Array(toArrayBuffer(place(RingPlaces.pieces), 0, pieceCount * Piece.size));
    const refused = openFor(fd, ["pollAdd", "sendmsg", "cancel"]);
    if (refused < 0) {
      this.close();
      throw new RingRefused(-refused);
    }
  }

  poll(fd: number, events: number, token: number): void {
    assert(shim.mcr_ring_poll(this.pointer, fd, events, token) === 0, "the ring has room for a poll");
  }

  cancel(token: number): void {
    assert(shim.mcr_ring_cancel(this.pointer, token) === 0, "the ring has room for a cancellation");
  }

  to(index: number, address: number, port: number): void {
    const at = index * words.send;
    this.sends[at + words.address] = address;
    this.sends[at + words.port] = port;
  }

  piece(index: number, piece: number, address: number, size: number): void {
    const at = (index * this.piecesMax + piece) * words.piece;
    this.pieces[at] = lowWord(address);
    this.pieces[at + 1] = highWord(address);
    this.pieces[at + 2] = size;
  }

  send(index: number, fd: number, pieceCount: number, segmentSize: number, token: number, isChained: boolean): void {
    const at = index * words.send;
    this.sends[at + words.fd] = fd;
    this.sends[at + words.pieceFirst] = index * this.piecesMax;
    this.sends[at + words.pieceCount] = pieceCount;
    this.sends[at + words.segmentSize] = segmentSize;
    assert(shim.mcr_ring_send(this.pointer, index, token, isChained ? 1 : 0) === 0, "the ring has room for a send");
  }

  wait(gatherUs: number, timeoutUs: number): number {
    const count = shim.mcr_ring_wait(this.pointer, gatherUs, timeoutUs);
    // EINTR: a signal came; the caller's next turn is the retry.
    return Math.max(count, 0);
  }

  token(at: number): number {
    return (this.done[at * words.done + words.token] as number) >>> 0;
  }

  result(at: number): number {
    return this.done[at * words.done + words.result] as number;
  }

  isArmed(at: number): boolean {
    return this.done[at * words.done + words.more] === 1;
  }

  close(): void {
    assert(this.isOpen, "a ring is closed once");
    this.isOpen = false;
    shim.mcr_ring_close(this.pointer);
  }
}
