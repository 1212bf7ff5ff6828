// Small numbers given out and taken back: places in the counter page.

/** A pool of numbers, each with one owner at a time. */
export class Numbers {
  private readonly free: number[] = [];
  private next = 0;
  private readonly max: number;

  /** Gives numbers from 0 to max - 1. */
  constructor(max: number) {
    this.max = max;
  }

  /** A number nobody has, the longest unused first; undefined when all are given out. */
  take(): number | undefined {
    if (this.next < this.max) {
      this.next++;
      return this.next - 1;
    }
    return this.free.shift();
  }

  /** Gives out this very number: its owner had it from the supervisor before us. */
  claim(number: number): void {
    const at = this.free.indexOf(number);
    if (at >= 0) {
      this.free.splice(at, 1);
    }
    for (; this.next <= number; this.next++) {
      if (this.next < number) {
        this.free.push(this.next);
      }
    }
  }

  /** Takes `number` back. */
  give(number: number): void {
    this.free.push(number);
  }
}
