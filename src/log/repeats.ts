// Lines that come again and again: the first few of a window are shown, the rest become one line that says how many there were.
import { limits } from "../limits.ts";

/** A line that may come again; two are the same when `key` is. */
export type Repeatable = { key: string };

type Window<Line> = { line: Line; sinceMs: number; count: number };

/** Counts lines by their key, in windows of logRepeatsWindowMs. */
export class Repeats<Line extends Repeatable> {
  // In the order in which the windows opened: the oldest is first.
  private readonly windows = new Map<string, Window<Line>>();
  private readonly summarize: (line: Line, count: number, overMs: number) => void;

  /** `summarize` is told of a line of which some were not shown: how often it came, shown or not, and in how long. */
  constructor(summarize: (line: Line, count: number, overMs: number) => void) {
    this.summarize = summarize;
  }

  /** True when this line is to be shown. */
  shows(line: Line, nowMs: number): boolean {
    this.tick(nowMs);
    const known = this.windows.get(line.key);
    if (known !== undefined) {
      known.count++;
      return known.count <= limits.logRepeatsShown;
    }
    if (this.windows.size >= limits.logRepeatsMax) {
      this.closeOldest(nowMs);
    }
    this.windows.set(line.key, { line, sinceMs: nowMs, count: 1 });
    return true;
  }

  /** Closes the windows that are over. To be called about once a second. */
  tick(nowMs: number): void {
    for (const { sinceMs } of this.windows.values()) {
      if (nowMs - sinceMs < limits.logRepeatsWindowMs) {
        return;
      }
      this.closeOldest(nowMs);
    }
  }

  /** Closes all: nothing that was held back stays untold. */
  end(nowMs: number): void {
    while (this.windows.size > 0) {
      this.closeOldest(nowMs);
    }
  }

  private closeOldest(nowMs: number): void {
    const [oldest] = this.windows;
    if (oldest !== undefined) {
      const [key, { line, count, sinceMs }] = oldest;
      this.windows.delete(key);
      if (count > limits.logRepeatsShown) {
        this.summarize(line, count, nowMs - sinceMs);
      }
    }
  }
}
