// Keeps a worker on its core, with every thread it has; those born later inherit it. From outside, by the supervisor: a
// worker's place is decided when it has given up its rights and may not even see /proc.
import { readdirSync } from "node:fs";
import { reasonOf } from "../../base/outcome.ts";
import { errno, errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";

/** Threads may be born while we look; a look that finds no new one ends it, and a worker has few. */
const looksMax = 5;

/** Pins all threads of `pid` to `core`; returns why that was not possible. */
export function pinAll(pid: number, core: number): string | undefined {
  const pinned = new Set<string>();
  try {
    for (let look = 0; look < looksMax; look++) {
      const fresh = readdirSync(`/proc/${pid}/task`).filter((thread) => !pinned.has(thread));
      for (const thread of fresh) {
        const error = shim.mcr_pin(Number(thread), core);
        if (error < 0 && error !== -errno.ESRCH) {
          return `not pinned to core ${core}: ${errnoName(error)}`;
        }
        pinned.add(thread);
      }
      if (fresh.length === 0) {
        return undefined;
      }
    }
    return undefined;
  } catch (thrown) {
    return `not pinned to core ${core}: ${reasonOf(thrown)}`;
  }
}
