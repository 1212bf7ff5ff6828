// Collects what orders leave behind. To the collector a worker looks large, for it counts the mapped rings as its own; left alone
// it waits for 200 MiB of garbage, and on a router that is memory somebody else needs. Frames leave none: this follows orders.

/** An order leaves some 12 KiB of garbage (zod, JSON): 3 MiB are then collected beside the program. */
export const ordersPerCollection = 256;
/** What outlived such a collection, some 2 MiB, takes a pause of about 10 ms: a ring holds 80 ms of 100,000 frames a second. */
export const ordersPerFullCollection = 4_096;

/** What there is of collecting: beside the program, some milliseconds later; or at once, a pause of some 10 ms. */
export type Collect = (isAtOnce: boolean) => void;

/** Counts the orders of a thread, and collects as often as above. */
export class Garbage {
  private readonly collect: Collect;
  private orders = 0;

  constructor(collect: Collect = (isAtOnce) => Bun.gc(isAtOnce)) {
    this.collect = collect;
  }

  /** `count` orders more were read. */
  note(count: number): void {
    const before = this.orders;
    this.orders += count;
    if (passes(before, this.orders, ordersPerFullCollection)) this.collect(true);
    else if (passes(before, this.orders, ordersPerCollection)) this.collect(false);
  }
}

function passes(before: number, after: number, step: number): boolean {
  return Math.floor(before / step) < Math.floor(after / step);
}
