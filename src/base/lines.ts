// Lines out of a byte stream, bounded: what is longer than the bound is cut, said, and the rest of it skipped.

/** A line without its end; `isCut` when it was longer than the bound. */
export type Line = { text: string; isCut: boolean };

const newline = 10;

export class LineReader {
  private readonly sizeMax: number;
  private readonly decoder = new TextDecoder();
  private pieces: Uint8Array[] = [];
  private size = 0;
  private isCut = false;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  /** Takes the next bytes; returns the lines they complete. */
  push(bytes: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      this.keep(bytes.subarray(from, end));
      lines.push(this.take());
      from = end + 1;
    }
    this.keep(bytes.subarray(from));
    return lines;
  }

  /** What the stream ended with, without a line's end; undefined when there is none. */
  rest(): Line | undefined {
    return this.size > 0 ? this.take() : undefined;
  }

  private keep(bytes: Uint8Array): void {
    const room = this.sizeMax - this.size;
    if (bytes.length > room) {
      this.isCut = true;
    }
    if (bytes.length > 0 && room > 0) {
      const kept = bytes.slice(0, room);
      this.pieces.push(kept);
      this.size += kept.length;
    }
  }

  private take(): Line {
    const line = { text: this.decoder.decode(Buffer.concat(this.pieces)), isCut: this.isCut };
    this.pieces = [];
    this.size = 0;
    this.isCut = false;
    return line;
  }
}
