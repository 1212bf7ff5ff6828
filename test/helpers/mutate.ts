// Frames that are nearly right: a valid one of a known shape with up to three fields changed, its checksums made anew half of the
// time so that the lie is not found at the door. All by a seed.
import { Random } from "../../src/traffic/random.ts";
import { checksum, type Flow, fragmentFrames, patternPayload, udpFrame } from "./frames.ts";
import { superFrame } from "./rawsend.ts";

/** A frame as it is sent. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Byte offset from the IP header, and width: every field of both headers (RFC 791, RFC 768), and where options would be. */
export const headerFields: readonly (readonly [number, number])[] = [
  ...([
    [0, 1],
    [1, 1],
    [2, 2],
    [4, 2],
    [6, 2],
    [8, 1],
    [9, 1],
    [10, 2],
    [12, 4],
    [16, 4],
  ] as const),
  ...([
    [20, 1],
    [21, 1],
    [22, 2],
    [24, 2],
    [26, 2],
    [28, 1],
    [29, 1],
    [28, 4],
    [40, 2],
    [44, 2],
    [60, 2],
    [64, 2],
  ] as const),
];
const edges = [
  ...[
    0, 1, 4, 5, 7, 8, 9, 12, 17, 19, 20, 21, 27, 28, 29, 50, 0x40, 0x44, 0x45, 0x46, 0x4f, 0x55, 0x65, 0x7f, 0x80, 0xff,
  ],
  ...[0x1fff, 0x2000, 0x2001, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xdead, 0xffff, 0xef010101, 0xef010102, 0xffffffff],
];
const etherSize = 14;

/** Makes frames of `flow` by `seed`. */
export class Mutator {
  readonly random: Random;
  private readonly flow: Flow;
  private number = 0;

  constructor(flow: Flow, seed: number) {
    this.flow = flow;
    this.random = new Random(seed);
  }

  /** A frame without offloads; most are wrong in something. */
  frame(): Bytes {
    const { random } = this;
    const options = new Uint8Array(new ArrayBuffer(this.oneOf([0, 0, 0, 4, 8, 40]))).map(() => random.next());
    const tags = this.oneOf([[], [], [], [], [], [], [0], [600], [4095], [0, 7], [600, 7]]);
    const frame = udpFrame(this.flow, this.payload(), {
      ipv4: { identification: this.number & 0xffff, options },
      udp: { checksum: this.oneOf(["right", "right", "right", "none", "wrong"] as const) },
      ethernet: { vlans: tags.map((id) => ({ id, type: this.oneOf([0x8100, 0x8100, 0x88a8]) })) },
    });
    const ip: Bytes = frame.subarray(etherSize + tags.length * 4);
    for (let edits = random.between(0, 3); edits > 0; edits--) this.edit(ip, frame.length);
    if (random.between(0, 1) === 0) sumAnew(ip);
    if (random.between(0, 60) === 0) frame[random.between(0, 15)] = random.next();
    return this.cut(frame);
  }

  /** A frame behind a virtio_net_hdr, whose fields may lie. */
  vnetFrame(): Bytes {
    const { random } = this;
    const size = this.oneOf([100, 1400, 3000, 20_000, 40_000, 60_000]);
    const payload = patternPayload(random.between(0, size), ++this.number);
    const segmentSize = this.oneOf([0, 100, 1000, 1400, 1472, 1473, 9000]);
    const frame = Uint8Array.from(superFrame(udpFrame(this.flow, payload), segmentSize));
    const header = new DataView(frame.buffer, 0, 10);
    const lie = random.between(0, 11);
    if (lie === 0) header.setUint8(0, random.between(0, 7));
    if (lie === 1) header.setUint8(1, this.oneOf([0, 1, 3, 4, 5, 0x80, 0x85, random.between(0, 255)]));
    if (lie >= 2 && lie < 6) header.setUint16(lie * 2 - 2, this.oneOf(edges), true);
    if (lie === 6) this.edit(frame.subarray(10 + etherSize), frame.length);
    return lie === 7 ? frame.subarray(0, random.between(24, frame.length)) : frame;
  }

  /** A datagram in fragments: right, or reordered, doubled, overlapping, or with one missing. `isWhole`: it must come out. */
  fragments(): { frames: Bytes[]; payload: Bytes; isWhole: boolean } {
    const { random } = this;
    const payload = patternPayload(random.between(200, 1472), ++this.number);
    const step = this.oneOf([64, 128, 512, 1480]);
    const frames = fragmentFrames(this.flow, payload, step, { ipv4: { identification: this.number & 0xffff } });
    const other = random.between(0, frames.length - 1);
    switch (frames.length < 2 ? -1 : random.between(0, 5)) {
      case 0:
        return { frames: frames.toReversed(), payload, isWhole: true };
      case 1:
        return { frames: frames.toSpliced(other, 1), payload, isWhole: false };
      case 2:
        return { frames: [...frames.slice(0, -1), ...frames], payload, isWhole: true };
      case 3:
        return { frames: overlapping(frames), payload, isWhole: false };
      default:
        return { frames, payload, isWhole: true };
    }
  }

  private payload(): Bytes {
    this.number++;
    return patternPayload(this.random.between(0, this.oneOf([0, 1, 20, 60, 200, 1400])), this.number);
  }

  private edit(ip: Bytes, size: number): void {
    const [offset, width] = this.oneOf(headerFields);
    const value = this.oneOf([...edges, size, size - 14, size - 13, size - 34, this.random.next()]);
    const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
    if (offset + width > ip.length) return;
    if (width === 1) view.setUint8(offset, value & 0xff);
    else if (width === 2) view.setUint16(offset, value & 0xffff);
    else view.setUint32(offset, value);
  }

  private cut(frame: Bytes): Bytes {
    const { random } = this;
    if (random.between(0, 9) > 0) return frame;
    if (random.between(0, 2) > 0) return frame.subarray(0, random.between(15, frame.length));
    const padded = new Uint8Array(frame.length + random.between(1, 40));
    padded.set(frame);
    return padded;
  }

  private oneOf<T>(values: readonly T[]): T {
    return values[this.random.between(0, values.length - 1)] as T;
  }
}

/** The second fragment begins 8 bytes early and says something else there: Linux throws the whole datagram away. */
function overlapping(frames: readonly Bytes[]): Bytes[] {
  const [first, second, ...rest] = frames;
  if (first === undefined || second === undefined) return [];
  const moved = Uint8Array.from([...second.subarray(0, 34), ...new Uint8Array(8).fill(0x66), ...second.subarray(34)]);
  const view = new DataView(moved.buffer);
  view.setUint16(etherSize + 2, view.getUint16(etherSize + 2) + 8);
  view.setUint16(etherSize + 6, view.getUint16(etherSize + 6) - 1);
  sumHeader(moved.subarray(etherSize));
  return [first, moved, ...rest];
}

function sumHeader(ip: Bytes): void {
  const size = Math.min(ip.length, Math.max(20, ((ip[0] ?? 0) & 0xf) * 4));
  ip.set([0, 0], 10);
  const sum = checksum(ip.subarray(0, size));
  ip.set([sum >> 8, sum & 0xff], 10);
}

/** Checksums as the lengths in the headers have it, as far as the frame holds them. */
function sumAnew(ip: Bytes): void {
  if (ip.length < 28) return;
  sumHeader(ip);
  const at = ((ip[0] ?? 0) & 0xf) * 4;
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  if (at < 20 || at + 8 > ip.length || ip[9] !== 17 || view.getUint16(at + 6) === 0) return;
  view.setUint16(at + 6, 0);
  const size = Uint8Array.of(0, 17, view.getUint16(at + 4) >> 8, view.getUint16(at + 4) & 0xff);
  const body = ip.subarray(at, Math.min(ip.length, at + view.getUint16(at + 4)));
  view.setUint16(at + 6, checksum(ip.subarray(12, 20), size, body) || 0xffff);
}
