// The supervisor's log: its own lines and its workers', in the form that suits where they go.
import { type Collected, Collector } from "./collector.ts";
import type { Entry, Layout, Origin } from "./layout.ts";
import type { Levels } from "./levels.ts";
import { type Facility, type Fields, type Level, Timestamps } from "./record.ts";
import { Repeats } from "./repeats.ts";

/** What the log stands on. */
export type LogParts = {
  levels: Levels;
  layout: Layout;
  /** Takes one finished line, with its end. */
  print: (line: string) => void;
  /** Wall clock in microseconds. */
  clockUs: () => number;
  /** A line that stands by itself, for who needs it to the letter (`announce`); absent: they are not said. */
  announcement?: (level: Level, message: string, timestamp: string) => string;
};

/** `4,812` */
const grouped = new Intl.NumberFormat("en-US");

/** Takes the bytes of one worker's pipe. */
export type LogTaker = { push(bytes: Uint8Array): void; end(): void };

/** The one log of the supervisor. Never waits, never throws. */
export class Log {
  readonly levels: Levels;
  private readonly parts: LogParts;
  private readonly timestamps = new Timestamps();
  private readonly repeats: Repeats<Entry & { key: string }>;
  private readonly collectors = new Set<Collector>();

  constructor(parts: LogParts) {
    this.parts = parts;
    this.levels = parts.levels;
    this.repeats = new Repeats((entry, times, overMs) => this.sayRepeated(entry, times, overMs));
  }

  /** A line of the supervisor's own, or one that it says for the worker `origin`. */
  say(level: Level, message: string, fields?: Fields, facility: Facility = "Supervisor", origin?: Origin): void {
    if (!this.levels.passes(level, facility)) {
      return;
    }
    const line: Collected = { timestamp: this.now(), level, facility, message };
    if (fields !== undefined) {
      line.fields = fields;
    }
    this.put(line, origin ?? { pid: process.pid });
  }

  /** A line to the letter, past levels and layout; only where somebody reads for it. */
  announce(level: "Info" | "Error", message: string): void {
    const line = this.parts.announcement?.(level, message, this.now());
    if (line !== undefined) {
      this.parts.print(line);
    }
  }

  /** Where the bytes of a worker's pipe go. Its levels have been applied by the worker. */
  worker(origin: Origin): LogTaker {
    const collector = new Collector({
      take: (line) => this.put(line, origin),
      flooded: (lines) => this.sayFlood(lines, origin),
      nowMs: () => this.nowMs(),
    });
    this.collectors.add(collector);
    return {
      push: (bytes) => collector.push(bytes),
      end: () => {
        collector.end();
        this.collectors.delete(collector);
        this.say("Info", `Worker ${origin.pid} log stream closed`);
      },
    };
  }

  /** To be called about once a second: says what was held back. */
  tick(): void {
    for (const collector of this.collectors) {
      collector.tick();
    }
    this.repeats.tick(this.nowMs());
  }

  /** Says all that is still held back. */
  end(): void {
    this.repeats.end(this.nowMs());
  }

  private put(line: Collected, origin: Origin): void {
    const key = `${origin.pid} ${line.level} ${line.facility} ${line.message} ${line.fields === undefined ? "" : JSON.stringify(line.fields)}`;
    const entry = { ...line, origin, key };
    if (this.repeats.shows(entry, this.nowMs())) {
      this.parts.print(this.parts.layout(entry));
    }
  }

  private sayRepeated(entry: Entry, times: number, overMs: number): void {
    const message = `${entry.message} … ${grouped.format(times)} times in ${grouped.format(Math.round(overMs / 1000))} s`;
    const fields = { ...entry.fields, times };
    this.parts.print(this.parts.layout({ ...entry, timestamp: this.now(), message, fields }));
  }

  private sayFlood(lines: number, { worker, pid }: Origin): void {
    const message = `${worker === "spare" ? "the spare worker" : `worker ${worker}`} (pid ${pid}) logs too much: ${grouped.format(lines)} line${lines === 1 ? "" : "s"} not shown`;
    this.say("Warning", message, { lines_skipped: lines });
  }

  private now(): string {
    return this.timestamps.at(this.parts.clockUs());
  }

  private nowMs(): number {
    return this.parts.clockUs() / 1000;
  }
}
