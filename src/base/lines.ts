// Lines out of a byte stream, bounded: what is longer than the bound is cut, said, and the rest of it skipped.

/** A line without its end; `isCut` when it was longer than the bound. */
export type Line = { text: string; isCut: boolean };

const newline = 10;
/** What is shown of a line before it is read. */
const headSize = 64;

/** The lines of one stream; keeps at most `sizeMax` bytes of an unfinished one. */
export class LineReader {
  private readonly buffer: Uint8Array;
  private readonly decoder = new TextDecoder();
  private size = 0;
  private isCut = false;

  /** `sizeMax`: bytes of a line that are kept. */
  constructor(sizeMax: number) {
    this.buffer = new Uint8Array(sizeMax);
  }

  /**
   * Takes the next bytes and hands over the lines that they complete, one by one. `wants` is asked before each, and may look at
   * the first bytes of the line: what is not wanted is skipped without being decoded, which is what a flood should cost.
   */
  push(bytes: Uint8Array, wants: (head: Uint8Array) => boolean, take: (line: Line) => void): void {
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      const headEnd = Math.min(end, from + Math.max(0, headSize - this.size));
      this.keep(bytes.subarray(from, headEnd));
      if (wants(this.buffer.subarray(0, Math.min(this.size, headSize)))) {
        this.keep(bytes.subarray(headEnd, end));
        take(this.line());
      }
      this.size = 0;
      this.isCut = false;
      from = end + 1;
    }
    this.keep(bytes.subarray(from));
  }

  /** What the stream ended with, without a line's end; undefined when there is none. */
  rest(): Line | undefined {
    const line = this.size > 0 ? this.line() : undefined;
    this.size = 0;
    this.isCut = false;
    return line;
  }

  private keep(bytes: Uint8Array): void {
    const room = this.buffer.length - this.size;
    const kept = bytes.length > room ? bytes.subarray(0, room) : bytes;
    this.isCut = this.isCut || bytes.length > room;
    this.buffer.set(kept, this.size);
    this.size += kept.length;
  }

  private line(): Line {
    return { text: this.decoder.decode(this.buffer.subarray(0, this.size)), isCut: this.isCut };
  }
}
