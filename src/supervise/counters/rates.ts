// Rates over the last second: what grows is looked at once a period, and the difference is the rate. By place, not by name: ten
// thousand rules are looked at in a few milliseconds, and nothing is allocated.

/** Counters by place, and how fast each grew between the last two looks. */
export class Rates {
  private readonly values: Float64Array;
  private readonly perSecond: Float64Array;
  // In which look a place was last noted: a gap of more than one means that its owner is new.
  private readonly looks: Uint32Array;
  private look = 0;
  private seconds = 0;
  private lookedMs = 0;

  /** Room for `places` counters. */
  constructor(places: number) {
    this.values = new Float64Array(places);
    this.perSecond = new Float64Array(places);
    this.looks = new Uint32Array(places);
  }

  /** Begins a look at `nowMs`; note() of every counter follows. */
  begin(nowMs: number): void {
    this.seconds = this.look === 0 ? 0 : (nowMs - this.lookedMs) / 1000;
    this.lookedMs = nowMs;
    this.look++;
  }

  /** Notes where the counter at `place` stands. */
  note(place: number, value: number): void {
    const isKnown = this.looks[place] === this.look - 1 && this.look > 1;
    const grown = value - (this.values[place] ?? 0);
    this.perSecond[place] = isKnown && this.seconds > 0 ? Math.max(0, grown / this.seconds) : 0;
    this.values[place] = value;
    this.looks[place] = this.look;
  }

  /** Per second, 0 for what is new or was not noted in the last look. */
  of(place: number): number {
    return this.looks[place] === this.look ? (this.perSecond[place] ?? 0) : 0;
  }
}
