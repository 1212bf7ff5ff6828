// One thing after the other.

/** A line of steps, each of which begins when the one before it is over, however that ended. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs `step` in its turn; settles as it does. */
  take<T>(step: () => T | Promise<T>): Promise<T> {
    const turn = this.last.then(step);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
