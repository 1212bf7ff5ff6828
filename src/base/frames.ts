// Length-delimited frames on a byte stream: u32 big-endian, then that many bytes. One incremental reader for every stream;
// any split of the bytes gives the same frames.

const headerSize = 4;

/**
 * Why a stream cannot be read any further; it has lost its frame boundaries for good. `bodies` came whole before that, in the
 * same bytes: they count.
 */
export type FrameRefusal = { refused: string; bodies: Uint8Array[] };

/** `body` with its length before it. */
export function frame(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerSize + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(body, headerSize);
  return bytes;
}

/** The frames of one stream; holds at most one, and memory for it only after its length was found good. */
export class FrameReader {
  private readonly sizeMax: number;
  private buffer = new Uint8Array(headerSize);
  private filled = 0;
  // Bytes of the frame being read, header included; known once the header is whole.
  private wanted = headerSize;
  private isBroken = false;

  /** `sizeMax`: the longest body accepted; a longer one is refused before memory for it is taken. */
  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  /** True between two frames: the other side may end here without having said half of something. */
  get isBetween(): boolean {
    return this.filled === 0;
  }

  /** Takes the next bytes of the stream; returns the bodies completed by them, or why the stream is refused. */
  push(bytes: Uint8Array): Uint8Array[] | FrameRefusal {
    if (this.isBroken) {
      return { refused: "the stream was refused before", bodies: [] };
    }
    const bodies: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = Math.min(this.wanted - this.filled, bytes.length - at);
      this.buffer.set(bytes.subarray(at, at + size), this.filled);
      this.filled += size;
      at += size;
      if (this.filled < this.wanted) {
        break;
      }
      const refusal = this.complete(bodies);
      if (refusal !== undefined) {
        this.isBroken = true;
        return refusal;
      }
    }
    return bodies;
  }

  /** The header or the whole frame is there. */
  private complete(bodies: Uint8Array[]): FrameRefusal | undefined {
    if (this.wanted === headerSize) {
      const size = new DataView(this.buffer.buffer).getUint32(0);
      if (size > this.sizeMax) {
        return { refused: `a frame of ${size} bytes is longer than the limit of ${this.sizeMax}`, bodies };
      }
      if (size > 0) {
        this.wanted = headerSize + size;
        const grown = new Uint8Array(this.wanted);
        grown.set(this.buffer.subarray(0, headerSize));
        this.buffer = grown;
        return undefined;
      }
    }
    bodies.push(this.buffer.slice(headerSize, this.wanted));
    this.buffer = new Uint8Array(headerSize);
    this.filled = 0;
    this.wanted = headerSize;
    return undefined;
  }
}
