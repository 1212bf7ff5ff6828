// The loops block in native code; signals and timers get their turn between slices.
import { writeFileSync } from "node:fs";
import { assert } from "../base/assert.ts";
import { monotonicNs } from "../shim/traffic.ts";

/** Told what a run goes through. */
export type Life = {
  /** One slice, at most 100 ms; true when there is no more to do. */
  slice(): boolean;
  /** Called about once a second. */
  everySecond(): void;
};

/** Runs slices until one says that all is done, or SIGINT or SIGTERM comes; returns whether a signal ended it. */
export async function runSlices(life: Life): Promise<boolean> {
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
  };
  // Once each: whoever asks a second time does not want to wait for the summary.
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  let reportNs = monotonicNs() + 1e9;
  while (!isInterrupted && !life.slice()) {
    await new Promise((resolve) => setImmediate(resolve));
    const nowNs = monotonicNs();
    if (nowNs >= reportNs) {
      life.everySecond();
      reportNs = Math.max(reportNs + 1e9, nowNs);
    }
  }
  process.off("SIGINT", interrupt);
  process.off("SIGTERM", interrupt);
  return isInterrupted;
}

/**
 * Asks for sleeps that end when they should, not up to 50 us later (proc(5), timerslack_ns; native code runs on the main
 * thread). Where it is refused, sleeps end late and the generator burns a little more time instead.
 */
export function sharpenSleep(): boolean {
  try {
    writeFileSync("/proc/self/timerslack_ns", "1");
    return true;
  } catch (refusal) {
    assert(refusal instanceof Error, "files fail with errors");
    return false;
  }
}
