// Cuts the bytes of one connection into commands. A newline or the end of the stream completes a command; blank lines are
// nothing. Knows no JSON and no socket; every byte is looked at once, however the bytes are split.

/** `oversize`: what is there exceeds the bound, complete or not; the rest of the stream is of no use. */
export type Taken =
  | { kind: "command"; bytes: Uint8Array; byNewline: boolean }
  | { kind: "none" }
  | { kind: "oversize" };

const newline = 0x0a;
const blank = new Set([0x20, 0x09, 0x0d, 0x0a]);

/** The incremental reader of one connection. */
export class CommandReader {
  readonly #sizeMax: number;
  #chunks: Uint8Array[] = [];
  /** Chunks before this index hold no newline. */
  #searchedCount = 0;
  #size = 0;
  #isEnded = false;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
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
    if (chunk.length > 0) {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
    }
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
  }

  /** The next command, removed from what is held. */
  take(): Taken {
    for (;;) {
      const line = this.#takeLine();
      if (line === undefined) {
        return this.#size > this.#sizeMax ? { kind: "oversize" } : { kind: "none" };
      }
      if (line.bytes.length > this.#sizeMax) {
        return { kind: "oversize" };
      }
      if (!line.bytes.every((byte) => blank.has(byte))) {
        return { kind: "command", ...line };
      }
    }
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
