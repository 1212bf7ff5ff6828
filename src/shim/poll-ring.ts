// A ring without io_uring: waits with ppoll, sends with sendmmsg. For containers whose profile forbids io_uring, for
// kernel.io_uring_disabled, kernels before 5.13 and emulators.
import type { Pointer } from "bun:ffi";
import { assert } from "../base/assert.ts";
import { Message, Piece } from "./abi.ts";
import { highWord, lowWord } from "./address.ts";
import { Edges } from "./edges.ts";
import { errno } from "./errno.ts";
import { shim } from "./library.ts";
import { type Mapped, map } from "./memory.ts";
import type { Ring, RingShape } from "./ring.ts";

/** A control message of one u16, UDP_SEGMENT: header, value, padding; cmsg(3), udp(7). */
const segmentControl = { size: 24, lengthUsed: 18, value: 16, level: 17, type: 103 } as const;
/** struct sockaddr_in; ip(7). */
const place = { size: 16, family: 2 } as const;
/** How often sends alone may be what a wait brings, before polls are looked at too: orders must be heard under any load. */
const looksSparedMax = 8;

const words = {
  message: Message.size / 4,
  nameLow: Message.name_low / 4,
  nameHigh: Message.name_high / 4,
  nameSize: Message.name_size / 4,
  piecesLow: Message.pieces_low / 4,
  piecesHigh: Message.pieces_high / 4,
  pieceCount: Message.piece_count / 4,
  controlLow: Message.control_low / 4,
  controlHigh: Message.control_high / 4,
  controlSize: Message.control_size / 4,
  length: Message.length / 4,
  piece: Piece.size / 4,
} as const;

/** A ring that is a row of messages and a set of watched descriptors. */
export class PollRing implements Ring {
  readonly kind = "ppoll";
  readonly canGather = true;
  readonly sendsMax: number;
  readonly piecesMax: number;
  private readonly edges: Edges;
  private readonly watched = new Map<number, number>();
  private readonly watchedMax: number;
  /** Polls that have ended and not said so yet. */
  private readonly ended: { token: number; result: number }[] = [];
  // Messages, controls, places and pieces, one after the other. The first two are in the order of queueing, because one call sends
  // several that lie side by side; places that they go to and pieces are by a send's index.
  private readonly memory: Mapped;
  private readonly u32: Uint32Array;
  private readonly base: number;
  private readonly controlsAt: number;
  private readonly placesAt: number;
  private readonly piecesAt: number;
  private readonly fds: Int32Array;
  private readonly tokens: Uint32Array;
  private readonly isChained: Uint8Array;
  private queued = 0;
  private readonly doneTokens: Uint32Array;
  private readonly doneResults: Int32Array;
  private readonly doneArmed: Uint8Array;
  private count = 0;
  private looksSpared = 0;
  private isOpen = true;

  /** Throws when the process may open no more descriptors; nothing else can be refused. */
  constructor({ entries, sendsMax, piecesMax }: RingShape) {
    this.sendsMax = sendsMax;
    this.piecesMax = piecesMax;
    this.watchedMax = entries;
    this.edges = new Edges(entries);
    this.controlsAt = sendsMax * Message.size;
    this.placesAt = this.controlsAt + sendsMax * segmentControl.size;
    this.piecesAt = this.placesAt + sendsMax * place.size;
    this.memory = map(this.piecesAt + sendsMax * piecesMax * Piece.size);
    this.u32 = this.memory.u32;
    this.base = Number(this.memory.pointer);
    this.fds = new Int32Array(sendsMax);
    this.tokens = new Uint32Array(sendsMax);
    this.isChained = new Uint8Array(sendsMax);
    const doneMax = sendsMax + 2 * entries;
    this.doneTokens = new Uint32Array(doneMax);
    this.doneResults = new Int32Array(doneMax);
    this.doneArmed = new Uint8Array(doneMax);
    for (let at = 0; at < sendsMax; at++) {
      this.prepare(at);
    }
  }

  poll(fd: number, events: number, token: number): void {
    assert(this.watched.size < this.watchedMax, "the ring has room for a poll");
    const refused = this.edges.add(fd, events, token);
    if (refused < 0) {
      this.end(token, refused);
    } else {
      this.watched.set(token, fd);
    }
  }

  cancel(token: number): void {
    const fd = this.watched.get(token);
    if (fd !== undefined) {
      this.watched.delete(token);
      this.edges.remove(fd);
      this.end(token, -errno.ECANCELED);
    }
  }

  to(index: number, address: number, port: number): void {
    const at = (this.placesAt + index * place.size) / 4;
    this.u32[at] = place.family | (port << 16);
    this.u32[at + 1] = address;
  }

  piece(index: number, piece: number, address: number, size: number): void {
    const at = this.piecesAt / 4 + (index * this.piecesMax + piece) * words.piece;
    this.u32[at] = lowWord(address);
    this.u32[at + 1] = highWord(address);
    this.u32[at + 2] = size;
  }

  send(index: number, fd: number, pieceCount: number, segmentSize: number, token: number, isChained: boolean): void {
    const at = this.queued;
    assert(at < this.sendsMax && pieceCount <= this.piecesMax, "the ring has room for a send");
    const message = at * words.message;
    const pieces = this.base + this.piecesAt + index * this.piecesMax * Piece.size;
    const to = this.placesAt + index * place.size;
    const name = this.u32[to / 4 + 1] === 0 ? 0 : this.base + to;
    this.u32[message + words.nameLow] = lowWord(name);
    this.u32[message + words.nameHigh] = highWord(name);
    this.u32[message + words.nameSize] = name === 0 ? 0 : place.size;
    this.u32[message + words.piecesLow] = lowWord(pieces);
    this.u32[message + words.piecesHigh] = highWord(pieces);
    this.u32[message + words.pieceCount] = pieceCount;
    this.u32[message + words.controlSize] = segmentSize === 0 ? 0 : segmentControl.size;
    this.memory.u16[(this.controlsAt + at * segmentControl.size + segmentControl.value) / 2] = segmentSize;
    this.fds[at] = fd;
    this.tokens[at] = token;
    this.isChained[at] = isChained ? 1 : 0;
    this.queued = at + 1;
  }

  wait(gatherUs: number, timeoutUs: number): number {
    this.count = 0;
    if (this.ended.length > 0) {
      this.sayEnded();
    }
    this.sendAll();
    if (this.count > 0 && this.looksSpared < looksSparedMax) {
      // There is enough to go on with; the loop comes back for more sends before it waits.
      this.looksSpared++;
    } else if (this.count > 0 || timeoutUs === 0) {
      this.look();
    } else {
      this.sleep(gatherUs, timeoutUs);
    }
    return this.count;
  }

  token(at: number): number {
    return this.doneTokens[at] as number;
  }

  result(at: number): number {
    return this.doneResults[at] as number;
  }

  isArmed(at: number): boolean {
    return this.doneArmed[at] === 1;
  }

  close(): void {
    assert(this.isOpen, "a ring is closed once");
    this.isOpen = false;
    this.edges.close();
    this.memory.close();
  }

  /** What stays the same in message `at`, whatever is sent with it. */
  private prepare(at: number): void {
    const control = this.controlsAt + at * segmentControl.size;
    this.u32[at * words.message + words.controlLow] = lowWord(this.base + control);
    this.u32[at * words.message + words.controlHigh] = highWord(this.base + control);
    this.u32.set([segmentControl.lengthUsed, 0, segmentControl.level, segmentControl.type], control / 4);
  }

  private end(token: number, result: number): void {
    assert(this.ended.length < this.watchedMax, "polls that ended are read");
    this.ended.push({ token, result });
  }

  private sayEnded(): void {
    for (const { token, result } of this.ended.splice(0)) {
      this.note(token, result, 0);
    }
  }

  private note(token: number, result: number, armed: number): void {
    const at = this.count;
    this.doneTokens[at] = token;
    this.doneResults[at] = result;
    this.doneArmed[at] = armed;
    this.count = at + 1;
  }

  /** Hands over all that is queued, one chain after the other. */
  private sendAll(): void {
    let first = 0;
    while (first < this.queued) {
      let end = first + 1;
      while (end < this.queued && this.isChained[end - 1] === 1) {
        end++;
      }
      this.sendChain(first, end);
      first = end;
    }
    this.queued = 0;
  }

  /**
   * Sends what is queued from `first` to before `end`: in order, and nothing behind what the kernel refused.
   *
   * When some of a call went out, the kernel does not say why the next did not, and an ICMP error that it told once is gone.
   * So the first goes alone, that an answer to it is heard by the second; and after a call that stopped short each does.
   */
  private sendChain(first: number, end: number): void {
    let at = first;
    let together = 1;
    while (at < end) {
      const fd = this.fds[at] as number;
      let stop = at + 1;
      while (stop < end && stop - at < together && this.fds[stop] === fd) {
        stop++;
      }
      const sent = shim.mcr_send_many(fd, (this.base + at * Message.size) as Pointer, stop - at);
      if (sent < 0) {
        this.break(at, end, sent);
        return;
      }
      together = sent === stop - at ? end - first : 1;
      for (const next = at + sent; at < next; at++) {
        this.note(this.tokens[at] as number, this.u32[at * words.message + words.length] as number, 0);
      }
    }
  }

  /** Send `at` came back with `result`; what is chained to it does not go out. */
  private break(at: number, end: number, result: number): void {
    this.note(this.tokens[at] as number, result, 0);
    for (let behind = at + 1; behind < end; behind++) {
      this.note(this.tokens[behind] as number, -errno.ECANCELED, 0);
    }
  }

  /** First lets edges gather, then waits on for the first one; a signal ends either. */
  private sleep(gatherUs: number, timeoutUs: number): void {
    if (gatherUs > 0) {
      if (this.edges.pass(Math.min(gatherUs, timeoutUs)) < 0) {
        return;
      }
      this.look();
    }
    if (this.count === 0 && timeoutUs > gatherUs && this.edges.wait(timeoutUs - gatherUs) > 0) {
      this.look();
    }
  }

  private look(): void {
    this.looksSpared = 0;
    const found = this.edges.look();
    for (let at = 0; at < found; at++) {
      this.note(this.edges.token(at), this.edges.bits(at), 1);
    }
  }
}
