// Datagrams in bulk, for the generator and the receiver: many a call, waiting for many sockets, exact time.
// Nothing here knows what is in a datagram.
import { Message, Moment, Piece, Watch } from "./abi.ts";
import { shim } from "./library.ts";
import { type Mapped, map, scratch } from "./memory.ts";
import { bindLink, closeSocket, type Failure, isFailure, openUdp, outcomeOf, refusalOf } from "./socket.ts";

// asm-generic/socket.h, linux/in.h, linux/udp.h.
const levels = { socket: 1, ip: 0, udp: 17 } as const;
const options = {
  SO_TIMESTAMPNS: [levels.socket, 35],
  SO_BINDTOIFINDEX: [levels.socket, 62],
  IP_RECVERR: [levels.ip, 11],
  IP_MULTICAST_ALL: [levels.ip, 49],
  UDP_SEGMENT: [levels.udp, 103],
} as const;

/** Sets an option that only the generator and the receiver use. */
export function setTrafficOption(fd: number, name: keyof typeof options, value: number): Failure | undefined {
  const [level, number] = options[name];
  return refusalOf(name, shim.mcr_option(fd, level, number, value));
}

/** The index of a link, asked through a socket bound to its name. */
export function linkIndexOf(name: string): number | Failure {
  const fd = openUdp();
  if (isFailure(fd)) {
    return fd;
  }
  const [level, number] = options.SO_BINDTOIFINDEX;
  const index = bindLink(fd, name) ?? outcomeOf("SO_BINDTOIFINDEX", shim.mcr_option_get(fd, level, number));
  closeSocket(fd);
  return index;
}

/** What the kernel lost at this socket alone, since it was opened: buffer full or bad checksum. */
export function socketDrops(fd: number): number {
  return Math.max(0, shim.mcr_traffic_drops(fd));
}

/** Monotonic time in nanoseconds, exact until a machine is up for 104 days, then to 2 ns. */
export function monotonicNs(): number {
  return shim.mcr_clock_ns(1);
}

/** Sleeps until the monotonic clock says `at`; comes back early on a signal, late by what the scheduler likes. */
export function sleepUntil(at: number): void {
  shim.mcr_sleep_until(at);
}

/** Real time in integers that lose nothing; read() and then take both parts. */
export class RealClock {
  private readonly words = scratch.u32;

  /** Reads the clock; `seconds` and `nanoseconds` hold it until the next call into the shim. */
  read(): void {
    shim.mcr_traffic_moment(scratch.pointer);
  }

  get seconds(): number {
    return this.words[Moment.seconds >> 2]!;
  }

  get nanoseconds(): number {
    return this.words[Moment.nanoseconds >> 2]!;
  }
}

// CMSG_SPACE(sizeof(struct timespec)) and where the time stands in it: cmsg(3), 64 bits.
const controlSpace = 32;
const controlSeconds = 16;
const controlNanoseconds = 24;

// Piece.size is what a whole piece takes; its field of that name stands before the last.
const pieceSizeAt = Piece.size_high - 4;

/** Up to `countMax` datagrams that travel in one call, and the payload memory they lie in. */
export class Datagrams {
  /** Payload bytes, `payloadSize` of them; what follows belongs to the kernel's structures. */
  readonly memory: Mapped;
  readonly countMax: number;
  private readonly messagesAt: number;
  private readonly piecesAt: number;
  private readonly controlsAt: number;

  constructor(countMax: number, payloadSize: number) {
    this.countMax = countMax;
    this.messagesAt = Math.ceil(payloadSize / 8) * 8;
    this.piecesAt = this.messagesAt + countMax * Message.size;
    this.controlsAt = this.piecesAt + countMax * Piece.size;
    this.memory = map(this.controlsAt + countMax * controlSpace);
    for (let index = 0; index < countMax; index++) {
      this.prepare(index);
    }
  }

  private prepare(index: number): void {
    const message = (this.messagesAt + index * Message.size) >> 2;
    const piece = this.piecesAt + index * Piece.size;
    this.pointer(message + (Message.pieces_low >> 2), piece);
    this.memory.u32[message + (Message.piece_count >> 2)] = 1;
    this.pointer(message + (Message.control_low >> 2), this.controlsAt + index * controlSpace);
  }

  private pointer(word: number, offset: number): void {
    const address = this.memory.at(offset) as number;
    this.memory.u32[word] = address % 0x1_0000_0000;
    this.memory.u32[word + 1] = Math.floor(address / 0x1_0000_0000);
  }

  /** Says where datagram `index` lies; as room to receive into, or as what to send. */
  place(index: number, offset: number, size: number): void {
    const piece = (this.piecesAt + index * Piece.size) >> 2;
    this.pointer(piece + (Piece.address_low >> 2), offset);
    this.memory.u32[piece + (pieceSizeAt >> 2)] = size;
  }

  /** Sends datagrams `first` to `first + count - 1`; how many the kernel took, or -errno. */
  send(fd: number, first: number, count: number): number {
    return shim.mcr_send_many(fd, this.memory.at(this.messagesAt + first * Message.size), count);
  }

  /** Fills datagrams from 0 on with what has arrived; how many, or -errno (-EAGAIN: none). */
  receive(fd: number): number {
    for (let index = 0; index < this.countMax; index++) {
      this.word(index, Message.control_size, controlSpace);
    }
    return shim.mcr_traffic_receive(fd, this.memory.at(this.messagesAt), this.countMax);
  }

  private word(index: number, field: number, value: number): void {
    this.memory.u32[(this.messagesAt + index * Message.size + field) >> 2] = value;
  }

  /** Size of what was received into datagram `index`. */
  receivedSize(index: number): number {
    return this.memory.u32[(this.messagesAt + index * Message.size + Message.length) >> 2]!;
  }

  /** When the kernel got it, seconds of CLOCK_REALTIME; needs SO_TIMESTAMPNS. */
  arrivalSeconds(index: number): number {
    return this.memory.u32[(this.controlsAt + index * controlSpace + controlSeconds) >> 2]!;
  }

  arrivalNanoseconds(index: number): number {
    return this.memory.u32[(this.controlsAt + index * controlSpace + controlNanoseconds) >> 2]!;
  }

  close(): void {
    this.memory.close();
  }
}

/** poll(2) over a fixed set of sockets. */
export class Watches {
  private readonly memory: Mapped;
  private readonly count: number;

  constructor(fds: readonly number[], events: number) {
    this.count = fds.length;
    this.memory = map(fds.length * Watch.size);
    for (const [index, fd] of fds.entries()) {
      this.memory.i32[(index * Watch.size + Watch.fd) >> 2] = fd;
      this.memory.u16[(index * Watch.size + Watch.events) >> 1] = events;
    }
  }

  /** How many are ready, 0 after `timeoutMs`, or -errno. */
  wait(timeoutMs: number): number {
    return shim.mcr_traffic_wait(this.memory.pointer, this.count, timeoutMs);
  }

  /** Whether socket `index` was ready, for any reason, when wait() last returned. */
  isReady(index: number): boolean {
    return this.memory.u16[(index * Watch.size + Watch.ready) >> 1] !== 0;
  }

  close(): void {
    this.memory.close();
  }
}
