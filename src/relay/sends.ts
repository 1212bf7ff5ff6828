// Sends under way: what each carries, and which are free.
import type { Latency } from "./latency.ts";
import type { Output } from "./output.ts";
import { none, type Slots } from "./slots.ts";
import type { Stamper } from "./stamp.ts";

/** What egress needs of a ring; src/shim/ring.ts is one, a test's fake another. */
export type Sender = {
  readonly sendsMax: number;
  readonly piecesMax: number;
  /** Where send `index` goes, in network order, whatever its socket is connected to; 0: to where that is. Before send(). */
  to(index: number, address: number, port: number): void;
  piece(index: number, piece: number, address: number, size: number): void;
  send(index: number, fd: number, pieceCount: number, segmentSize: number, token: number, isChained: boolean): void;
};

/** What it takes to build sends. */
export type Batch = { sender: Sender; sends: Sends; slots: Slots; stamper: Stamper; latency?: Latency | undefined };

/** The sends of one sender by index: whose each is, how far it moves its output on, and which are free. */
export class Sends {
  private readonly outputs: (Output | undefined)[];
  private readonly slots: Int32Array;
  private readonly datagrams: Int32Array;
  private readonly segments: Int32Array;
  private readonly free: Int32Array;
  freeCount: number;
  // A send is handed over when the next one shows whether it is the end of its chain.
  private held = none;
  private heldFd = 0;
  private heldPieces = 0;

  constructor(max: number) {
    this.outputs = new Array<Output | undefined>(max).fill(undefined);
    this.slots = new Int32Array(max);
    this.datagrams = new Int32Array(max);
    this.segments = new Int32Array(max);
    this.free = Int32Array.from({ length: max }, (_, index) => index);
    this.freeCount = max;
  }

  /** A free send for `output`; the caller has looked at freeCount. */
  take(output: Output): number {
    this.freeCount--;
    const index = this.free[this.freeCount] as number;
    this.outputs[index] = output;
    output.inFlight++;
    return index;
  }

  /** Queues send `index` behind the others of its chain: `slots` of the backlog are done with it, `datagrams` go out. */
  queue(
    sender: Sender,
    index: number,
    fd: number,
    pieces: number,
    segment: number,
    slots: number,
    datagrams: number,
  ): void {
    this.flush(sender, true);
    this.slots[index] = slots;
    this.datagrams[index] = datagrams;
    this.segments[index] = segment;
    this.held = index;
    this.heldFd = fd;
    this.heldPieces = pieces;
  }

  /** The chain is complete. */
  endChain(sender: Sender): void {
    this.flush(sender, false);
  }

  outputOf(index: number): Output {
    return this.outputs[index] as Output;
  }

  slotsOf(index: number): number {
    return this.slots[index] as number;
  }

  datagramsOf(index: number): number {
    return this.datagrams[index] as number;
  }

  segmentOf(index: number): number {
    return this.segments[index] as number;
  }

  give(index: number): void {
    this.outputs[index] = undefined;
    this.free[this.freeCount] = index;
    this.freeCount++;
  }

  private flush(sender: Sender, isChained: boolean): void {
    if (this.held !== none) {
      const index = this.held;
      this.held = none;
      sender.send(index, this.heldFd, this.heldPieces, this.segments[index] as number, index, isChained);
    }
  }
}

/** Says where send `index` of an output goes, which begins with the datagram in `slot`. */
export function aimAt({ sender, slots }: Batch, { aim }: Output, index: number, slot: number): void {
  if (aim === undefined) {
    sender.to(index, 0, 0);
  } else {
    sender.to(index, aim.addressOf(slots.destination[slot] as number), aim.portOf(slots.port[slot] as number));
  }
}
