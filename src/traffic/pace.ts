// When what is due: an absolute schedule, so that no error adds up. Pure: it is told the time.
import { assert } from "../base/assert.ts";

/** Units (bursts of datagrams, or single ones) at even distances; an interval of 0 means as fast as it goes. */
export class Pace {
  /** How far the schedule was moved in all, because it could not be kept. */
  slippedNs = 0;
  private readonly intervalNs: number;
  private readonly lagMaxNs: number;
  private originNs: number;
  private taken = 0;

  /** `startNs` is when the first unit is due. Whoever lags more than `lagMaxNs` behind is not asked to catch up. */
  constructor(intervalNs: number, startNs: number, lagMaxNs: number) {
    assert(intervalNs >= 0 && lagMaxNs >= 0, "times of a schedule are not negative");
    this.intervalNs = intervalNs;
    this.lagMaxNs = lagMaxNs;
    this.originNs = startNs;
  }

  /** When the next unit is due. */
  get dueNs(): number {
    return this.originNs + this.taken * this.intervalNs;
  }

  /** Takes the units that are due at `nowNs`, at most `max`; how many. */
  take(nowNs: number, max: number): number {
    if (this.intervalNs === 0) {
      return max;
    }
    const lagNs = nowNs - this.dueNs;
    if (lagNs < 0) {
      return 0;
    }
    if (lagNs > this.lagMaxNs) {
      this.originNs += lagNs;
      this.slippedNs += lagNs;
    }
    const due = Math.floor((nowNs - this.dueNs) / this.intervalNs) + 1;
    const units = Math.min(due, max);
    this.taken += units;
    return units;
  }
}

/** How long before a moment to stop sleeping, learned from how late sleeps end here. */
export class Doze {
  marginNs: number;
  private readonly minNs = 5_000;
  private readonly maxNs = 300_000;

  constructor(startNs = 60_000) {
    this.marginNs = startNs;
  }

  /** A sleep ended `lateNs` after it should. Grows at once, shrinks slowly. */
  learn(lateNs: number): void {
    const wanted = Math.min(Math.max(lateNs * 1.25, this.minNs), this.maxNs);
    this.marginNs = wanted > this.marginNs ? wanted : this.marginNs + (wanted - this.marginNs) / 64;
  }
}
