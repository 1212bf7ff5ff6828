// Rates over the last second: what grows is looked at once a period, and the difference is the rate.

type Sample = { value: number; atMs: number; perSecond: number };

/** Counters by name, and how fast each grew between the last two looks. */
export class Rates {
  private samples = new Map<string, Sample>();

  /** Notes where every counter stands now; those not named any more are forgotten. */
  sample(values: Iterable<readonly [string, number]>, nowMs: number): void {
    const next = new Map<string, Sample>();
    for (const [name, value] of values) {
      const before = this.samples.get(name);
      const seconds = before === undefined ? 0 : (nowMs - before.atMs) / 1000;
      const perSecond = before === undefined || seconds <= 0 ? 0 : Math.max(0, (value - before.value) / seconds);
      next.set(name, { value, atMs: nowMs, perSecond });
    }
    this.samples = next;
  }

  /** Per second, 0 for what is unknown or new. */
  of(name: string): number {
    return this.samples.get(name)?.perSecond ?? 0;
  }
}
