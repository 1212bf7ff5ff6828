// A kernel for egress to send to, and regions that watch who gives what back. It knows nothing of src/relay/ but its types:
// what it refuses and cancels is what udp(7), io_uring_enter(2) and net/ipv4/udp.c say.
import type { Region } from "../../src/relay/region.ts";
import type { Sender } from "../../src/relay/sends.ts";

export const errors = {
  EPERM: 1,
  EIO: 5,
  EAGAIN: 11,
  EINVAL: 22,
  EMSGSIZE: 90,
  ENETDOWN: 100,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  ECANCELED: 125,
} as const;

/** What one datagram in memory is: `id` names it, wherever it goes. */
export type Stretch = { id: number; size: number };

/** Finds the datagrams in `size` bytes at `address`, cut every `segment` bytes (0: not at all); throws for what is not ours. */
export type Memory = (address: number, size: number, segment: number) => Stretch[];

type Entry = {
  index: number;
  fd: number;
  token: number;
  isChained: boolean;
  segment: number;
  pieces: { address: number; size: number }[];
  place: { address: number; port: number };
};
type Done = { token: number; result: number };

/** The errno with which the kernel refuses this send, or 0. */
export type Fault = (fd: number, bytes: number, segment: number) => number;

const payloadMax = 65_507;
const segmentsMax = 64;

/** Takes sends as Ring does; runs them when told to, chain by chain, and keeps what came out at each socket. */
export class FakeKernel implements Sender {
  readonly sendsMax: number;
  readonly piecesMax = 64;
  /** Ids of the datagrams that left, by socket, in order. */
  readonly delivered = new Map<number, number[]>();
  readonly closed = new Set<number>();
  /** Datagrams of one send, the most there were. */
  batchMax = 0;
  private readonly pieces = new Map<number, Map<number, { address: number; size: number }>>();
  /** Where each send of a datagram went that named a place, by the datagram's id. */
  readonly wentTo = new Map<number, { address: number; port: number }>();
  private readonly places = new Map<number, { address: number; port: number }>();
  private chain: Entry[] = [];
  private readonly chains: Entry[][] = [];
  private readonly done: Done[][] = [];
  private readonly inFlight = new Set<number>();
  private readonly memory: Memory;

  constructor(sendsMax: number, memory: Memory) {
    this.sendsMax = sendsMax;
    this.memory = memory;
  }

  to(index: number, address: number, port: number): void {
    claim(!this.inFlight.has(index), `the place of send ${index} stays as it is while it is in flight`);
    this.places.set(index, { address, port });
  }

  piece(index: number, piece: number, address: number, size: number): void {
    claim(!this.inFlight.has(index), `the pieces of send ${index} stay as they are while it is in flight`);
    const pieces = this.pieces.get(index) ?? new Map<number, { address: number; size: number }>();
    this.pieces.set(index, pieces.set(piece, { address, size }));
  }

  send(index: number, fd: number, pieceCount: number, segment: number, token: number, isChained: boolean): void {
    claim(index >= 0 && index < this.sendsMax, `send ${index} exists`);
    claim(!this.inFlight.has(index), `send ${index} is free`);
    claim(pieceCount >= 1 && pieceCount <= this.piecesMax, `${pieceCount} pieces fit`);
    claim(fd >= 0 && !this.closed.has(fd), `socket ${fd} is open`);
    const known = this.pieces.get(index);
    const pieces = Array.from({ length: pieceCount }, (_, at) => {
      const piece = known?.get(at);
      if (piece === undefined) {
        throw new Error(`piece ${at} of send ${index} was not filled in`);
      }
      return piece;
    });
    this.pieces.delete(index);
    const bytes = pieces.reduce((sum, piece) => sum + piece.size, 0);
    claim(bytes <= payloadMax, `${bytes} bytes fit one send`);
    const place = this.places.get(index) ?? { address: 0, port: 0 };
    const others = [...this.chains.flat(), ...this.chain].filter(
      (entry) => entry.fd === fd && entry.place.address === place.address && entry.place.port === place.port,
    );
    claim(this.chain.length > 0 || others.length === 0, `one chain at a time for socket ${fd}`);
    this.inFlight.add(index);
    this.chain.push({ index, fd, token, isChained, segment, pieces, place });
    if (!isChained) {
      this.chains.push(this.chain);
      this.chain = [];
    }
  }

  get pendingCount(): number {
    return this.chains.length;
  }

  get doneCount(): number {
    return this.done.length;
  }

  isInFlight(fd: number): boolean {
    return [...this.chains.flat(), ...this.chain].some((entry) => entry.fd === fd);
  }

  /** Runs one waiting chain, the `which`-th (modulo how many there are): a failed send cancels those behind it. */
  run(which: number, fault: Fault): void {
    claim(this.chain.length === 0, "what is handed over ends with the end of a chain");
    const [chain] = this.chains.splice(which % Math.max(1, this.chains.length), 1);
    let isBroken = false;
    const results = (chain ?? []).map((entry): Done => {
      if (isBroken) {
        return { token: entry.token, result: -errors.ECANCELED };
      }
      const result = this.sendmsg(entry, fault);
      isBroken = result < 0;
      return { token: entry.token, result };
    });
    if (results.length > 0) {
      this.done.push(results);
    }
  }

  /** The next completion, of the `which`-th chain that has some; those of one chain come in order. */
  complete(which: number): Done | undefined {
    const at = which % Math.max(1, this.done.length);
    const done = this.done[at]?.shift();
    if (this.done[at]?.length === 0) {
      this.done.splice(at, 1);
    }
    if (done !== undefined) {
      this.inFlight.delete(done.token);
    }
    return done;
  }

  private sendmsg({ fd, pieces, segment }: Entry, fault: Fault): number {
    const stretches = pieces.flatMap(({ address, size }) => this.memory(address, size, segment));
    const bytes = pieces.reduce((sum, piece) => sum + piece.size, 0);
    if (segment === 0) {
      claim(stretches.length === 1, "without UDP_SEGMENT a send is one datagram");
    } else {
      claim(
        stretches.slice(0, -1).every(({ size }) => size === segment) && (stretches.at(-1)?.size ?? 0) <= segment,
        "every segment but the last is as long as UDP_SEGMENT says",
      );
      claim(stretches.at(-1)?.size !== 0, "a datagram without payload cannot be a segment");
    }
    claim(pieces.length === 1 || stretches.length <= segmentsMax, "a gathered send has at most 64 segments");
    const error = segment > 0 && stretches.length > segmentsMax ? errors.EINVAL : fault(fd, bytes, segment);
    if (error !== 0) {
      return -error;
    }
    const delivered = this.delivered.get(fd) ?? [];
    this.delivered.set(fd, delivered);
    for (const { id } of stretches) {
      delivered.push(id);
    }
    this.batchMax = Math.max(this.batchMax, stretches.length);
    return bytes;
  }
}

/** A claim about what egress may do; a test fails with `reason`. */
export function claim(holds: boolean, reason: string): void {
  if (!holds) {
    throw new Error(reason);
  }
}

/** A region without bytes: it keeps whose each slot is, and refuses to be given one back twice. */
export class WatchedRegion implements Region {
  readonly shape: Region["shape"];
  readonly views: Region["views"];
  readonly slotOffsets: Uint32Array;
  held = 0;
  private readonly ours: Uint8Array;

  constructor(slotFirst: number, slotCount: number, address: number) {
    const slotSize = 1 << 17;
    this.shape = { address, size: slotSize * slotCount, slotCount, slotSize, blockSize: slotSize, slotFirst };
    this.views = { u8: new Uint8Array(), u16: new Uint16Array(), u32: new Uint32Array(), i32: new Int32Array() };
    this.slotOffsets = Uint32Array.from({ length: slotCount }, (_, slot) => slot * slotSize);
    this.ours = new Uint8Array(slotCount);
  }

  /** How many slots are not with whoever fills them. */
  get heldCount(): number {
    return this.ours.reduce((sum, each) => sum + each, 0);
  }

  freeSlot(): number {
    return this.ours.indexOf(0);
  }

  status(slot: number): number {
    return this.ours[slot] ?? 0;
  }

  take(slot: number): void {
    claim(this.ours[slot] === 0, `slot ${slot} was free`);
    this.ours[slot] = 1;
  }

  release(slot: number): void {
    claim(this.ours[slot] === 1, `slot ${slot} is given back once`);
    this.ours[slot] = 0;
  }
}
