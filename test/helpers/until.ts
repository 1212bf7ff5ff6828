// Waiting for a condition, with a deadline. Tests never sleep a fixed time: they say what they wait for.

export type UntilOptions = {
  /** Default 5,000 ms. */
  deadlineMs?: number;
  /** Pause between two looks; default 10 ms. */
  everyMs?: number;
};

/**
 * Looks at `probe()` until `holds(state)` is true and returns that state. A probe that throws counts as "not yet".
 * Past the deadline: an error that names what was awaited and the last state seen.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  holds: (state: T) => boolean = Boolean,
  { deadlineMs = 5000, everyMs = 10 }: UntilOptions = {},
): Promise<T> {
  const start = performance.now();
  let last = "never looked";
  do {
    try {
      const state = await probe();
      if (holds(state)) return state;
      last = show(state);
    } catch (error) {
      last = `threw ${error instanceof Error ? error.message : show(error)}`;
    }
    await Bun.sleep(everyMs);
  } while (performance.now() - start < deadlineMs);
  throw new Error(`waited ${deadlineMs} ms for: ${what}; last state: ${last}`);
}

function show(state: unknown): string {
  return typeof state === "string" ? state : Bun.inspect(state, { depth: 4 });
}
