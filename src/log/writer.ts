// A thread's log: one JSON object a line, one write a line, never longer than PIPE_BUF, so that lines of two threads do not
// mix. It never waits: what the pipe does not take is counted, and the next line that fits says how many were lost.
import { type Facility, type Fields, facilities, type Level, severities, Timestamps } from "./record.ts";

/** A line's way out, in one piece or not at all. `long`: it is above PIPE_BUF (pipe(7)) and would be torn. */
export type WriteLine = (line: string) => "written" | "full" | "long";

/** What the log of a thread stands on. */
export type PipeParts = {
  write: WriteLine;
  /** Wall clock in microseconds. */
  clockUs: () => number;
};

/** A full pipe is left alone so long: a thread that traces does not ask the kernel 100,000 times a second in vain. */
const fullRestUs = 1_000;
/** Characters that a cut message keeps: 600 of six bytes each (`\u0000`) leave room for all else in 4,096. */
const cutLength = 600;

/** Where the lines of one thread go, whatever their facility. */
export class LogPipe {
  /** Lines lost since the start of this thread. */
  lost = 0;
  private unsaid = 0;
  private fullUntilUs = 0;
  private readonly parts: PipeParts;
  private readonly timestamps = new Timestamps();
  private readonly writers = new Map<Facility, LogWriter>();
  private page: Float64Array | undefined;
  private pageAt = 0;

  constructor(parts: PipeParts) {
    this.parts = parts;
  }

  /** The log of one facility; always the same one. */
  writer(facility: Facility): LogWriter {
    const known = this.writers.get(facility) ?? new LogWriter(this, facility);
    this.writers.set(facility, known);
    return known;
  }

  /** From now on losses are counted in `page[at]` too, where this thread is the only writer. */
  countIn(page: Float64Array, at: number): void {
    this.page = page;
    this.pageAt = at;
    page[at] = (page[at] as number) + this.lost;
  }

  /** Sets what passes: the level of a facility that has one, else the global one. */
  follow(global: Level, overrides: Partial<Record<Facility, Level>>): void {
    for (const facility of facilities) {
      this.writer(facility).severityMax = severities[overrides[facility] ?? global];
    }
  }

  /** False while the pipe rests because it was full; the line that was to come is then counted as lost. */
  hasRoom(): boolean {
    if (this.fullUntilUs === 0) {
      return true;
    }
    if (this.parts.clockUs() < this.fullUntilUs) {
      this.lose();
      return false;
    }
    return true;
  }

  /** Writes a line, or counts it as lost. */
  put(level: Level, facility: Facility, message: string, fields: Fields | undefined): void {
    const nowUs = this.parts.clockUs();
    if (nowUs < this.fullUntilUs) {
      this.lose();
      return;
    }
    const head = `{"facility":"${facility}","level":"${level}","message":`;
    const tail = `,"timestamp":"${this.timestamps.at(nowUs)}"`;
    const loss = this.unsaid > 0 ? { lines_lost: this.unsaid } : undefined;
    let result = this.parts.write(`${head}${JSON.stringify(message)}${tail}${fieldsText(fields, loss)}}\n`);
    if (result === "long") {
      const isLong = message.length > cutLength;
      const cut = isLong ? `${message.slice(0, cutLength)}… (cut, ${message.length} characters)` : message;
      const noted = { ...(fields === undefined ? {} : { fields_cut: true }), ...loss };
      result = this.parts.write(`${head}${JSON.stringify(cut)}${tail}${fieldsText(noted)}}\n`);
    }
    if (result === "written") {
      this.unsaid = 0;
      this.fullUntilUs = 0;
    } else {
      this.fullUntilUs = nowUs + fullRestUs;
      this.lose();
    }
  }

  private lose(): void {
    this.lost++;
    this.unsaid++;
    if (this.page !== undefined) {
      this.page[this.pageAt] = (this.page[this.pageAt] as number) + 1;
    }
  }
}

/** The log of one facility in one thread. */
export class LogWriter {
  /** What passes, as a number (severities in record.ts). */
  severityMax: number = severities.Info;
  private readonly pipe: LogPipe;
  private readonly facility: Facility;

  constructor(pipe: LogPipe, facility: Facility) {
    this.pipe = pipe;
    this.facility = facility;
  }

  /** One comparison, no memory: ask it before a message is built where lines are many. */
  passes(level: Level): boolean {
    return severities[level] <= this.severityMax;
  }

  /**
   * As `passes`, for lines that come by the ten thousand: while the pipe is full the line is counted as lost right here, and
   * nobody builds it in vain. Each true wants its say().
   */
  takes(level: Level): boolean {
    return severities[level] <= this.severityMax && this.pipe.hasRoom();
  }

  say(level: Level, message: string, fields?: Fields): void {
    if (severities[level] <= this.severityMax) {
      this.pipe.put(level, this.facility, message, fields);
    }
  }
}

function fieldsText(fields: Fields | undefined, more?: Fields): string {
  if (fields === undefined && more === undefined) {
    return "";
  }
  const all = more === undefined ? fields : { ...fields, ...more };
  return `,"fields":${JSON.stringify(all)}`;
}
