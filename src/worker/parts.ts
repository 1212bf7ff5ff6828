// What both threads of a worker make the same way: the log, the reporter, the clock, the memory they share.
import { limits } from "../limits.ts";
import type { Facility } from "../log/record.ts";
import { LogWriter } from "../log/writer.ts";
import { pageSize } from "../relay/counters.ts";
import { shim } from "../shim/library.ts";
import { map, mapFd } from "../shim/memory.ts";
import { Ring } from "../shim/ring.ts";

/** What the egress thread is told when it starts; descriptors are of the process. */
export type ThreadSetup = {
  queue: SharedArrayBuffer;
  regions: SharedArrayBuffer;
  counters: number;
  orders: number;
  request: number;
  wakeup: number;
};

const monotonic = 1;
const errorOutput = 2;

/** CLOCK_MONOTONIC in nanoseconds. */
export function clockNs(): number {
  return shim.mcr_clock_ns(monotonic);
}

/** The time as RFC 3339 with microseconds. */
function timestamp(): string {
  const nowUs = Math.floor(shim.mcr_clock_ns(0) / 1000);
  const micros = String(nowUs % 1000).padStart(3, "0");
  return new Date(nowUs / 1000).toISOString().replace("Z", `${micros}Z`);
}

/** This thread's log, on fd 2. */
export function openLog(facility: Facility): LogWriter {
  const line = map(4096);
  const write = (bytes: Uint8Array) => {
    line.u8.set(bytes);
    return shim.mcr_write(errorOutput, line.pointer, bytes.length) === bytes.length;
  };
  return new LogWriter(write, facility, timestamp);
}

/** The ring of the calling thread. */
export function openRing(): Ring {
  return new Ring({ entries: limits.ringEntries, sendsMax: limits.sendsMax, piecesMax: limits.sendPiecesMax });
}

/** The counter page behind the supervisor's memfd, or undefined when it cannot be mapped. */
export function openCounters(fd: number): Float64Array | undefined {
  return mapFd(fd, pageSize)?.f64;
}

/** Ends the process from whichever thread: Bun's own exit would end only a thread. */
export function end(code: number): never {
  shim.mcr_exit(code);
  throw new Error("unreachable");
}
