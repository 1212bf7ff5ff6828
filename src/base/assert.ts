// The broken-program check: what fails here is our own mistake, never an operator's or the network's.

/** Thrown by `assert`; the role that meets it logs the reason and ends with exit code 70. */
export class BrokenProgram extends Error {
  override name = "BrokenProgram";
}

/** Promises that `claim` holds from here on; throws BrokenProgram with `reason` when it does not. */
export function assert(claim: boolean, reason: string): asserts claim {
  if (!claim) {
    throw new BrokenProgram(reason);
  }
}
