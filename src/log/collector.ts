// One worker's log as it comes out of its pipe: bytes in, checked lines out. Nothing that comes may throw, and nothing is
// lost in silence: what is no record is wrapped, what is too long is cut and says so, what is too much is counted.
import { type Line, LineReader } from "../base/lines.ts";
import { limits } from "../limits.ts";
import { type LogRecord, record } from "./record.ts";

/** `isRaw`: no record came, and `message` is the line as it stood. */
export type Collected = LogRecord & { isRaw?: true };

/** Whom a collector tells, and its clock. */
export type CollectorParts = {
  take: (line: Collected) => void;
  /** Lines of the last period that were not looked at, because there were more than logLinesPeriodMax. */
  flooded: (count: number) => void;
  nowMs: () => number;
};

const periodMs = 1_000;

/** One worker's pipe. Nothing it is given makes it throw. */
export class Collector {
  private readonly parts: CollectorParts;
  private readonly reader = new LineReader(limits.logLineSizeMax);
  private periodStartMs: number;
  private lineCount = 0;
  private graveCount = 0;
  private skipped = 0;

  constructor(parts: CollectorParts) {
    this.parts = parts;
    this.periodStartMs = parts.nowMs();
  }

  /** Takes what the pipe brought, however it is split. */
  push(bytes: Uint8Array): void {
    this.tick();
    this.reader.push(
      bytes,
      (head) => this.isWanted(head),
      (line) => this.put(line),
    );
  }

  /** The pipe is closed: half a line is a line too, often the one that says why. */
  end(): void {
    const rest = this.reader.rest();
    if (rest !== undefined) {
      this.put(rest);
    }
    this.endPeriod();
  }

  /** To be called now and then: a flood that has ended is reported without a next line. */
  tick(): void {
    if (this.parts.nowMs() - this.periodStartMs >= periodMs) {
      this.endPeriod();
    }
  }

  private isWanted(head: Uint8Array): boolean {
    this.lineCount++;
    if (this.lineCount <= limits.logLinesPeriodMax) {
      return true;
    }
    // Why it dies must not be lost among what it said of each frame.
    if (this.graveCount < limits.logGraveLinesPeriodMax && isGrave(head)) {
      this.graveCount++;
      return true;
    }
    this.skipped++;
    return false;
  }

  private endPeriod(): void {
    const { skipped } = this;
    this.periodStartMs = this.parts.nowMs();
    this.lineCount = 0;
    this.graveCount = 0;
    this.skipped = 0;
    if (skipped > 0) {
      this.parts.flooded(skipped);
    }
  }

  private put(line: Line): void {
    if (line.text !== "") {
      this.parts.take(parseRecord(line.text) ?? this.wrap(line));
    }
  }

  private wrap({ text, isCut }: Line): Collected {
    return {
      timestamp: new Date(this.parts.nowMs()).toISOString(),
      level: "Warning",
      facility: "Unknown",
      message: isCut ? `${text}… (cut at ${limits.logLineSizeMax} bytes)` : text,
      isRaw: true,
    };
  }
}

const headDecoder = new TextDecoder("latin1");
/** As log/writer.ts writes it: facility and level come first. */
const graveHead = /^\{"facility":"[A-Za-z]+","level":"(?:Emergency|Alert|Critical|Error)"/;
const brace = 0x7b;

/** Whether a line that begins so speaks of an error, or is no record: then a library or a dying runtime speaks. */
function isGrave(head: Uint8Array): boolean {
  return head.length > 0 && (head[0] !== brace || graveHead.test(headDecoder.decode(head)));
}

/** undefined for what is no record: not JSON, or not of its shape. */
function parseRecord(text: string): LogRecord | undefined {
  if (!text.startsWith("{")) {
    return undefined;
  }
  try {
    return record.safeParse(JSON.parse(text)).data;
  } catch {
    // A SyntaxError says only that this is no JSON; the line itself is printed.
    return undefined;
  }
}
