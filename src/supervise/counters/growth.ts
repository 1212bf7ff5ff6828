// When a counter grew last, for counters that ought to stand still: what never counted takes no memory.

/** Frames or datagrams of one kind: how many, and seconds since the last; undefined: never. */
export type Seen = { count: number; age: number | undefined };

type Grown = { value: number; atMs: number };

/** Counters by key, looked at once a period. */
export class Growth<Key> {
  private readonly known = new Map<Key, Grown>();

  /** Notes where a counter stands. One that is back at zero has a new owner, and is forgotten. */
  note(key: Key, value: number, nowMs: number): void {
    if (value === 0) {
      // Nothing is the rule, of thousands of counters.
      if (this.known.size > 0) {
        this.known.delete(key);
      }
    } else if (this.known.get(key)?.value !== value) {
      this.known.set(key, { value, atMs: nowMs });
    }
  }

  /** Seconds since a counter that stands at `value` now grew, to a period; undefined: it never did. */
  quietSeconds(key: Key, value: number, nowMs: number): number | undefined {
    if (value === 0) {
      return undefined;
    }
    const known = this.known.get(key);
    return known?.value === value ? Math.max(0, (nowMs - known.atMs) / 1000) : 0;
  }
}
