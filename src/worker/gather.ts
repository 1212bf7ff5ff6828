// How long a busy loop may let frames gather before it wakes: fewer wakeups and larger batches, for a bounded delay.
// Sparse traffic is never delayed: a frame that comes later than the gathering time after the last turn wakes the loop at
// once, and below the threshold there is no gathering at all. Pure: the clock is an argument.
import { limits } from "../limits.ts";

const windowNs = 1_000_000;

/** Watches how many frames come, and says whether it pays to let them gather. */
export class Gather {
  private windowStartNs = 0;
  private count = 0;
  private isBusy = false;

  /** Notes what a turn took; times in CLOCK_MONOTONIC nanoseconds. */
  note(frames: number, nowNs: number): void {
    this.count += frames;
    const elapsedNs = nowNs - this.windowStartNs;
    if (elapsedNs < windowNs) {
      return;
    }
    this.isBusy = this.count * 1e9 >= limits.gatherFromPerSecond * elapsedNs;
    this.windowStartNs = nowNs;
    this.count = 0;
  }

  /** Microseconds; 0 while traffic is sparse. */
  get waitUs(): number {
    return this.isBusy ? limits.gatherUs : 0;
  }
}
