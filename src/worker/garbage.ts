// Collects what orders leave behind. To the collector a worker looks large, for it counts the mapped rings as its own; left alone
// it waits for 200 MiB of garbage, and on a router that is memory somebody else needs. Frames leave none: this follows orders.
// Orders leave some thirty times their size (zod, JSON), and only when they have been carried out: so what was read is collected
// with the orders that come next, at the latest those of the pulse.

/** Of orders one by one 3 MiB of garbage are collected beside the program. */
export const sizePerCollection = 96 * 1024;
/** After a flood all of its garbage is collected at once, what is old too: rules that went were there for long. */
export const sizeOfFlood = 4 * sizePerCollection;
/** The same without waiting for a flood's end, and for what outlived collections beside the program. */
export const sizePerFullCollection = 16 * sizePerCollection;
/** Who reads so little at once is in no flood: a rule or two, the pulse. */
export const calmSize = 4096;

/** What there is of collecting: beside the program, some milliseconds later; or at once, a pause of 10 ms and more. */
export type Collect = (isAtOnce: boolean) => void;

/** Counts the bytes of a thread's orders, and collects as often as above. */
export class Garbage {
  private readonly collect: Collect;
  /** Bytes read since the last collection, and since the last one of everything. */
  private sinceAny = 0;
  private sinceAll = 0;

  constructor(collect: Collect = (isAtOnce) => Bun.gc(isAtOnce)) {
    this.collect = collect;
  }

  /** `size` bytes of orders were read now; those before are carried out. */
  note(size: number): void {
    const isCalm = size <= calmSize;
    const isAll = this.sinceAll >= sizePerFullCollection || (isCalm && this.sinceAny >= sizeOfFlood);
    if (isAll || (isCalm && this.sinceAny >= sizePerCollection)) {
      this.collect(isAll);
      this.sinceAny = 0;
      this.sinceAll = isAll ? 0 : this.sinceAll;
    }
    this.sinceAny += size;
    this.sinceAll += size;
  }
}
