// A worker's log: one JSON object a line, one write a line, never longer than PIPE_BUF, so that lines of two threads do not
// mix. It never waits: what the pipe does not take is counted, and the next line that fits says how many were lost.
import { type Facility, type Fields, isLevel, type Level, severity } from "./record.ts";

/** PIPE_BUF on Linux: pipe(7) promises that a write of at most this many bytes is not torn. */
const lineSizeMax = 4096;

/** Writes a line, in one piece or not at all. Returns false when it did not fit. */
export type WriteLine = (line: Uint8Array) => boolean;

export class LogWriter {
  /** Lines lost since the start of this thread. */
  lost = 0;
  private lostUnsaid = 0;
  private readonly write: WriteLine;
  private readonly facility: Facility;
  private readonly clock: () => string;
  private readonly encoder = new TextEncoder();
  private severityMax = severity("Info");

  /** `clock` gives the time as RFC 3339; `facility` is this thread's. */
  constructor(write: WriteLine, facility: Facility, clock: () => string) {
    this.write = write;
    this.facility = facility;
    this.clock = clock;
  }

  /** From now on lines as grave as the level of this facility pass, or of all when it has none of its own. */
  follow(global: string, facilities: Record<string, string>): void {
    const level = facilities[this.facility] ?? global;
    if (isLevel(level)) {
      this.severityMax = severity(level);
    }
  }

  /** One comparison: ask before building an expensive message. */
  passes(level: Level): boolean {
    return severity(level) <= this.severityMax;
  }

  say(level: Level, message: string, fields?: Fields): void {
    if (severity(level) > this.severityMax) {
      return;
    }
    const all = this.lostUnsaid > 0 ? { ...fields, lines_lost: this.lostUnsaid } : fields;
    const line = this.line(level, message, all);
    if (this.write(line)) {
      this.lostUnsaid = 0;
      return;
    }
    this.lost++;
    this.lostUnsaid++;
  }

  private line(level: Level, message: string, fields: Fields | undefined): Uint8Array {
    const { facility } = this;
    const timestamp = this.clock();
    const whole = this.encoder.encode(`${JSON.stringify({ facility, level, message, timestamp, fields })}\n`);
    if (whole.length <= lineSizeMax) {
      return whole;
    }
    // A quarter of the bound leaves room for characters that JSON writes as six bytes.
    const cut = `${message.slice(0, lineSizeMax / 8)} … (cut, ${message.length} characters)`;
    return this.encoder.encode(`${JSON.stringify({ facility, level, message: cut, timestamp })}\n`);
  }
}
