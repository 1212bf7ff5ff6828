// How long a busy loop may let frames gather before it wakes: fewer wakeups and larger batches, for a bounded delay.
// Sparse traffic is never delayed: a frame that comes later than the gathering time after the last turn wakes the loop at
// once, and below the threshold there is no gathering at all. Pure: the clock is an argument.
import { limits } from "../limits.ts";

/** Long enough that what a late wakeup left in the ring does not look like dense traffic: gathering would add delay to delay. */
const windowNs = 4_000_000;

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

/**
 * Short rests of egress between its last look and its sleep, while traffic is dense: what comes meanwhile is found without an
 * eventfd written for it. Ended by a number of looks in vain, so that a stream that stops leaves it asleep.
 */
export class Naps {
  private readonly density = new Gather();
  private left = 0;

  /** Notes how many entries a turn took; times in CLOCK_MONOTONIC nanoseconds. */
  note(taken: number, nowNs: number): void {
    this.density.note(Math.max(0, taken), nowNs);
    if (taken !== 0) {
      this.left = limits.napsInVainMax;
    }
  }

  /** Microseconds to rest before the next look; 0: it is time to sleep. */
  take(): number {
    const restUs = this.left > 0 ? this.density.waitUs : 0;
    this.left--;
    return restUs;
  }
}
