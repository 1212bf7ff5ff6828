import type { World } from "../world.ts";

/** Makes something happen; `dice` decides what is open. Returns what it did, for the record. Never waits for its consequences. */
export type Happening = (world: World, dice: number) => string;

/** The element that `dice` falls on. */
export function fallOn<T>(all: readonly T[], dice: number): T | undefined {
  return all[dice % all.length];
}

/** A signal to a process that may be gone by now; false: it was. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
