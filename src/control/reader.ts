// Cuts the bytes of one connection into commands. A newline or the end of the stream completes a command; blank lines are
// nothing. Knows no JSON and no socket; every byte is looked at once, however the bytes are split.

/** `oversize`: what is there exceeds its bound, `sizeMax` bytes, complete or not; the rest of the stream is of no use. */
export type Taken =
  | { kind: "command"; bytes: Uint8Array; byNewline: boolean }
  | { kind: "none" }
  | { kind: "oversize"; sizeMax: number };

/** How long commands may be, in bytes: those that begin as `isLarge` says, and all others. */
export type CommandSizes = { largeMax: number; plainMax: number; isLarge: (beginning: string) => boolean };

/** So much of a command tells what it is. */
const beginningSize = 64;

const newline = 0x0a;
const latin = new TextDecoder("latin1");
/** Chunks below this size are put together, in pieces of the other. */
const smallSize = 1024;
const spareSize = 4096;
const blank = new Set([0x20, 0x09, 0x0d, 0x0a]);

/** The incremental reader of one connection. */
export class CommandReader {
  readonly #sizes: CommandSizes;
  #chunks: Uint8Array[] = [];
  /** Chunks before this index hold no newline. */
  #searchedCount = 0;
  #size = 0;
  #isEnded = false;
  /** The last chunk's memory when it is ours, and how much of it is used. */
  #spare = new Uint8Array(0);
  #spareUsed = 0;

  constructor(sizes: CommandSizes) {
    this.#sizes = sizes;
  }

  /** Bytes held. */
  get size(): number {
    return this.#size;
  }

  /** Whether the stream ended and nothing is left of it. */
  get isDone(): boolean {
    return this.#isEnded && this.#size === 0;
  }

  /** Takes the next bytes of the stream; the reader owns them from here on. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) {
      return;
    }
    this.#size += chunk.length;
    if (chunk.length >= smallSize) {
      this.#chunks.push(chunk);
      this.#forgetSpare();
    } else {
      this.#collect(chunk);
    }
  }

  /** A stream of single bytes must not cost an object each: they are put together. */
  #collect(chunk: Uint8Array): void {
    if (this.#spareUsed > 0 && this.#spareUsed + chunk.length <= this.#spare.length) {
      this.#chunks.pop();
      this.#searchedCount = Math.min(this.#searchedCount, this.#chunks.length);
    } else {
      this.#spare = new Uint8Array(spareSize);
      this.#spareUsed = 0;
    }
    this.#spare.set(chunk, this.#spareUsed);
    this.#spareUsed += chunk.length;
    this.#chunks.push(this.#spare.subarray(0, this.#spareUsed));
  }

  #forgetSpare(): void {
    this.#spare = new Uint8Array(0);
    this.#spareUsed = 0;
  }

  /** The other end will send no more. */
  end(): void {
    this.#isEnded = true;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks = [];
    this.#searchedCount = 0;
    this.#size = 0;
    this.#forgetSpare();
  }

  /** The next command, removed from what is held. */
  take(): Taken {
    for (;;) {
      const line = this.#takeLine();
      if (line === undefined) {
        return this.#judge(this.#size, this.#chunks[0]) ?? { kind: "none" };
      }
      const oversize = this.#judge(line.bytes.length, line.bytes);
      if (oversize !== undefined) {
        return oversize;
      }
      if (!line.bytes.every((byte) => blank.has(byte))) {
        return { kind: "command", ...line };
      }
    }
  }

  /** Whether a command of `size` bytes that begins with `bytes` is too large. */
  #judge(size: number, bytes: Uint8Array | undefined): Extract<Taken, { kind: "oversize" }> | undefined {
    const { plainMax, largeMax, isLarge } = this.#sizes;
    if (size <= plainMax) {
      return undefined;
    }
    const sizeMax = isLarge(latin.decode(bytes?.subarray(0, beginningSize))) ? largeMax : plainMax;
    return size > sizeMax ? { kind: "oversize", sizeMax } : undefined;
  }

  #takeLine(): { bytes: Uint8Array; byNewline: boolean } | undefined {
    for (; this.#searchedCount < this.#chunks.length; this.#searchedCount++) {
      const chunk = this.#chunks[this.#searchedCount];
      const at = chunk?.indexOf(newline) ?? -1;
      if (chunk !== undefined && at >= 0) {
        const bytes = join([...this.#chunks.slice(0, this.#searchedCount), chunk.subarray(0, at)]);
        const rest = chunk.subarray(at + 1);
        this.#chunks = [...(rest.length > 0 ? [rest] : []), ...this.#chunks.slice(this.#searchedCount + 1)];
        this.#searchedCount = 0;
        // What was handed out stays as it is: nothing more is written behind it.
        this.#forgetSpare();
        this.#size -= bytes.length + 1;
        return { bytes, byNewline: true };
      }
    }
    if (!this.#isEnded || this.#size === 0) {
      return undefined;
    }
    const bytes = join(this.#chunks);
    this.clear();
    return { bytes, byNewline: false };
  }
}

function join(chunks: Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
