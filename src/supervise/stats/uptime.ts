// How long we are up, and those that we took over from. Nobody can set the clock that it goes by: a router without a battery learns
// years after its start what time it is, and an hour set back would make it less than nothing.

/** Clocks in milliseconds: one that only goes forward, and the one that people read. */
type Clocks = { steady: () => number; wall: () => number };

/** Time since the first of us began. */
export class Uptime {
  private readonly clocks: Clocks;
  private beganMs: number;

  constructor(clocks: Clocks = { steady: () => performance.now(), wall: () => Date.now() }) {
    this.clocks = clocks;
    this.beganMs = clocks.steady();
  }

  get seconds(): number {
    return (this.clocks.steady() - this.beganMs) / 1000;
  }

  /** When that was, in milliseconds since 1970, by the clock as it is set now: for the supervisor after us. */
  get startedMs(): number {
    return Math.max(0, this.clocks.wall() - this.seconds * 1000);
  }

  /** Counts on from what the supervisor before us said a moment ago. */
  inherit(startedMs: number): void {
    this.beganMs = this.clocks.steady() - Math.max(0, this.clocks.wall() - startedMs);
  }
}
