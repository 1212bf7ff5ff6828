// fast-check with everything on the screen that it takes to see a failure again: seed, path, shrunk input, and the claim that
// did not hold. FC_SEED, FC_PATH and FC_RUNS run one again, or more of them.
import fc from "fast-check";

/** Runs `property` `runs` times and throws on the first counterexample, shrunk. */
export function prove<Input>(property: fc.IRawProperty<Input>, runs: number): void {
  const env = process.env;
  const details = fc.check(property, {
    numRuns: Number(env["FC_RUNS"] ?? runs),
    ...(env["FC_SEED"] === undefined ? {} : { seed: Number(env["FC_SEED"]) }),
    ...(env["FC_PATH"] === undefined ? {} : { path: env["FC_PATH"] }),
  }) as fc.RunDetails<Input>;
  if (details.failed) {
    const { errorInstance } = details;
    const why = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
    throw new Error(`${fc.defaultReportMessage(details)}\n${why}`);
  }
}
