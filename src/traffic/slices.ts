// The loops block in native code; signals and timers get their turn between slices.
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
