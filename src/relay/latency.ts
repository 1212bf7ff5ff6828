// How long a datagram is inside the relay: from the kernel's timestamp of its frame until its send is done. Sampled, because
// looking at the clock for each would cost more than the rest of the packet's path; the clock itself is the caller's.
import { bucketOf, countedMax } from "../base/buckets.ts";
import { egress as counter, latencyFirst } from "./counters.ts";

/** CLOCK_REALTIME in microseconds: the clock of the kernel's timestamps, packet(7). */
export type WallClock = () => number;

/** One frame in so many is followed, at full rate. */
const samplePeriod = 64;
/** And one at least in this time, so that slow streams are not overlooked. */
const sampleWaitNs = 20_000_000;

/** Chooses the frames to follow, and counts what became of them in a worker's page. */
export class Latency {
  private readonly counters: Float64Array;
  private readonly wallUs: WallClock;
  private framesLeft = 0;
  private dueNs = 0;

  constructor(counters: Float64Array, wallUs: WallClock) {
    this.counters = counters;
    this.wallUs = wallUs;
  }

  /** A turn begins. */
  turn(nowNs: number): void {
    if (nowNs >= this.dueNs) {
      this.dueNs = nowNs + sampleWaitNs;
      this.framesLeft = 0;
    }
  }

  /** True when the next frame shall be followed. */
  chooses(): boolean {
    if (this.framesLeft > 0) {
      this.framesLeft--;
      return false;
    }
    this.framesLeft = samplePeriod - 1;
    return true;
  }

  /**
   * A send of a frame that arrived at `stampUs` is done. A clock that was set meanwhile is no latency: what took less than no time, or
   * longer than the buckets tell apart, is not counted. A worker that holds a frame for so long is replaced before.
   */
  note(stampUs: number): void {
    const { counters } = this;
    const us = this.wallUs() - stampUs;
    if (us < 0 || us >= countedMax) {
      return;
    }
    const at = latencyFirst + bucketOf(us);
    counters[at] = (counters[at] as number) + 1;
    counters[counter.latencySumUs] = (counters[counter.latencySumUs] as number) + us;
    if (us > (counters[counter.latencyMaxUs] as number)) {
      counters[counter.latencyMaxUs] = us;
    }
  }
}
