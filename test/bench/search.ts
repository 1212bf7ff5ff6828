// Finds the highest rate that gets through with next to no loss. Pure: what a trial is, the caller says.

/** Offered in datagrams per second; `loss` is the share of them that did not arrive, 0 to 1. `isFull`: the generator had no time left. */
export type Trial = { offered: number; loss: number; isFull: boolean };

/** `isLimited`: the generator was the limit, nothing was lost. */
export type Found = { rate: number; isLimited: boolean; trials: number };

export type SearchOptions = { lossMax: number; tolerance: number; trialsMax: number };

/** The rate asked of a trial that is to go as fast as it can. */
export const unlimited = 0;

/** A generator that stays this far behind what was asked of it is at its limit. */
const heldBack = 0.97;

/**
 * Looks for the highest offered rate with a loss of at most `lossMax`, to within `tolerance` (0.03: 3 %). Begins as fast as it
 * goes, then at the rate that came through, then narrows down. A rate counts as lossy when it was so twice: other
 * programs on the machine cost a relay its CPU for a moment more often than not.
 */
export async function highestRate(trial: (rate: number) => Promise<Trial>, options: SearchOptions): Promise<Found> {
  let trials = 0;
  const attempt = async (rate: number): Promise<Trial> => {
    trials += 1;
    const first = await trial(rate);
    if (first.loss <= options.lossMax || rate === unlimited) return first;
    trials += 1;
    return trial(rate);
  };

  const flatOut = await attempt(unlimited);
  if (flatOut.loss <= options.lossMax) return { rate: flatOut.offered, isLimited: true, trials };

  let [good, bad] = [0, flatOut.offered];
  let guess = Math.min(0.95 * bad, flatOut.offered * (1 - flatOut.loss));
  while (bad > good * (1 + options.tolerance) && trials < options.trialsMax && guess > 1) {
    const { offered, loss, isFull } = await attempt(guess);
    const isGood = loss <= options.lossMax;
    // One that only had to wait for its CPU says nothing about a limit.
    if (isGood && isFull && offered < heldBack * guess)
      return { rate: Math.max(good, offered), isLimited: true, trials };
    if (isGood) good = Math.max(good, Math.min(guess, offered));
    else bad = Math.min(bad, guess);
    guess = nextGuess(good, bad);
  }
  return { rate: good, isLimited: false, trials };
}

/** The middle by ratio; far from both ends a step of 15 % up, because the first guess is a good one. */
function nextGuess(good: number, bad: number): number {
  if (good === 0) return 0.7 * bad;
  return Math.min(1.15 * good, Math.sqrt(good * bad));
}
