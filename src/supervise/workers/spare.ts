// A worker in reserve: born and warmed up, without a place. When one dies, it takes over the place, the page, the rings and the
// rules within milliseconds, before a ring that fills at full rate runs over; a birth takes longer than that.
import { limits } from "../../limits.ts";
import type { Child, ChildEnd } from "./child.ts";
import { afterDeath, type Deaths, neverDied } from "./restart.ts";
import { stateOf } from "./symptoms.ts";

/** What the spare stands on. `make` throws when the system has no process for it. */
export type SpareParts = {
  make: () => Child;
  onNews: (level: "Warning" | "Error", message: string) => void;
};

/** States in which a process cannot take over: stopped, held, dead, gone. */
const unfit = new Set(["T", "t", "Z", "?"]);

/** At most one spare at a time; a new one is born some time after the last was taken. */
export class Spare {
  private readonly parts: SpareParts;
  private held: Child | undefined;
  private deaths: Deaths = neverDied;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isOver = false;

  constructor(parts: SpareParts) {
    this.parts = parts;
  }

  /** The process that waits or is being born; undefined while there is none. */
  get child(): Child | undefined {
    return this.held;
  }

  /** Sees to it that there will be one, in `delayMs` at the earliest: whoever has just taken over comes first. */
  prepare(delayMs: number = limits.spareDelayMs): void {
    if (!this.isOver && this.timer === undefined && this.held === undefined) {
      this.timer = setTimeout(() => this.bear(), delayMs);
    }
  }

  /** The spare, if there is one that can work now; it is the caller's then. */
  take(): Child | undefined {
    const { held } = this;
    if (held === undefined || !held.isReady) {
      return undefined;
    }
    if (unfit.has(stateOf(held.pid))) {
      held.giveUp("it is stopped");
      return undefined;
    }
    this.held = undefined;
    this.deaths = neverDied;
    return held;
  }

  /** The spare itself has died. */
  ended(child: Child, end: ChildEnd): void {
    this.held = undefined;
    if (this.isOver) {
      return;
    }
    const how = end.failure ?? (end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`);
    this.again(`the spare worker (pid ${child.pid}) ended: ${how}`, end.exitCode, child.livedMs);
  }

  /** Waits for one that can work now, bounded; false: there is none. */
  async ready(): Promise<boolean> {
    this.prepare(0);
    const deadline = performance.now() + limits.workerBirthWaitMs;
    while (this.held?.isReady !== true && performance.now() < deadline) {
      await Bun.sleep(limits.predecessorLookMs);
    }
    return this.held?.isReady === true;
  }

  /** There will be one again, after end(). */
  resume(): void {
    this.isOver = false;
    this.timer = undefined;
    this.prepare();
  }

  /** No spare any more; settles when its process is gone. */
  async end(): Promise<void> {
    this.isOver = true;
    clearTimeout(this.timer);
    await this.held?.end();
  }

  private bear(): void {
    this.timer = undefined;
    try {
      this.held = this.parts.make();
    } catch (thrown) {
      this.again(`a spare worker could not be started: ${thrown}`, null, 0);
    }
  }

  private again(what: string, exitCode: number | null, livedMs: number): void {
    const verdict = afterDeath(this.deaths, exitCode, livedMs);
    this.deaths = verdict.deaths;
    if ("permanent" in verdict) {
      this.parts.onNews("Error", `${what}; ${verdict.permanent}, so there will be none`);
      return;
    }
    const delayMs = Math.max(verdict.restartInMs, limits.spareDelayMs);
    this.parts.onNews("Warning", `${what}; the next one comes in ${delayMs} ms`);
    this.prepare(delayMs);
  }
}
