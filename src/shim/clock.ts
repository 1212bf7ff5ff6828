// What the kernel thinks of its clock: adjtimex(2), asked without setting anything.
import { map } from "./memory.ts";
import { systemCall } from "./system-call.ts";

/** sizeof(struct timex) on 64 bits. */
const timexSize = 208;
/** The clock is not synchronised (TIME_ERROR). */
const timeError = 5;

/** Whether somebody (NTP, PTP) keeps the clock in step; undefined when the kernel does not say. */
export function isClockSynchronised(): boolean | undefined {
  const timex = map(timexSize);
  try {
    const state = systemCall("adjtimex", timex.pointer);
    return state < 0 ? undefined : state !== timeError;
  } finally {
    timex.close();
  }
}
