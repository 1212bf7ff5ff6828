// The newest lines of the log, for whoever looks in without having read it from the start.
import { limits } from "../limits.ts";
import { type Entry, layouts } from "./layout.ts";

/** Keeps the last limits.logTailLines lines; they become text only when asked for. */
export class Tail {
  private readonly entries: Entry[] = [];

  note(entry: Entry): void {
    this.entries.push(entry);
    if (this.entries.length > limits.logTailLines) {
      this.entries.shift();
    }
  }

  /** Oldest first, as a person reads them, without colours and ends. */
  lines(): string[] {
    return this.entries.map((entry) => layouts.text(entry).trimEnd());
  }
}
