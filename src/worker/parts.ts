// What both threads of a worker make the same way: the log, the reporter, the clock, the memory they share.
import { limits } from "../limits.ts";
import { LogPipe, type LogWriter } from "../log/writer.ts";
import { pageSize } from "../relay/counters.ts";
import type { Stamper } from "../relay/stamp.ts";
import { errnoName } from "../shim/errno.ts";
import { shim } from "../shim/library.ts";
import { type Mapped, map, mapFd, onesSumAt } from "../shim/memory.ts";
import { PollRing } from "../shim/poll-ring.ts";
import { sharpenWaits } from "../shim/process.ts";
import { type Ring, RingRefused, Uring } from "../shim/ring.ts";
import type { Watch } from "./loop.ts";
import type { IoWish } from "./orders.ts";

/** What the egress thread is told when it starts; descriptors are of the process. */
export type ThreadSetup = {
  queue: SharedArrayBuffer;
  regions: SharedArrayBuffer;
  /** One word: the counter page's descriptor, 0 until the worker has its place. */
  page: SharedArrayBuffer;
  orders: number;
  request: number;
  wakeup: number;
  io: IoWish;
};

const wallClock = 0;
const monotonic = 1;
const errorOutput = 2;
/** PIPE_BUF on Linux: pipe(7) promises that a write of at most so many bytes is not torn. */
const lineSizeMax = 4096;

/** CLOCK_MONOTONIC in nanoseconds. */
export function clockNs(): number {
  return shim.mcr_clock_ns(monotonic);
}

/** The clock of a loop, and `places` of the page where its longest stall is kept in microseconds. */
export function watch(counters: Float64Array, ...places: number[]): Watch {
  const stalled = (ns: number) => {
    for (const place of places) {
      counters[place] = Math.max(ns / 1000, counters[place] ?? 0);
    }
  };
  return { clockNs, stalled };
}

/** CLOCK_REALTIME in microseconds: what frames are stamped with. */
export function wallUs(): number {
  return shim.mcr_clock_ns(wallClock) / 1000;
}

/** This thread's log, on fd 2. */
export function openLog(): LogPipe {
  const line = map(lineSizeMax);
  const encoder = new TextEncoder();
  const write = (text: string) => {
    const { read, written } = encoder.encodeInto(text, line.u8);
    if (read < text.length) {
      return "long";
    }
    return shim.mcr_write(errorOutput, line.pointer, written) === written ? "written" : "full";
  };
  return new LogPipe({ write, clockUs: wallUs });
}

/**
 * The ring of the calling thread. Wished for `auto`, it does without io_uring where the kernel refuses one, and says so;
 * wished for `io_uring`, that is a RingRefused.
 */
export function openRing(wish: IoWish, log: LogWriter): Ring {
  const shape = { entries: limits.ringEntries, sendsMax: limits.sendsMax, piecesMax: limits.sendPiecesMax };
  if (wish === "ppoll") {
    return new PollRing(shape);
  }
  try {
    return new Uring(shape);
  } catch (thrown) {
    if (wish !== "auto" || !(thrown instanceof RingRefused)) {
      throw thrown;
    }
    log.say("Warning", `no io_uring for this thread (${thrown.message}); it takes ppoll and sendmmsg`);
    return new PollRing(shape);
  }
}

/** Writes the headers of sends into `memory`, which has room for all that may be under way: `headerPlace` bytes each. */
export function stamperOn({ pointer, u8, u16, u32 }: Mapped): Stamper {
  return { memory: { address: Number(pointer), u8, u16, u32 }, onesSum: onesSumAt };
}

/** The counter page behind the supervisor's memfd, or undefined when it cannot be mapped. */
export function openCounters(fd: number): Mapped | undefined {
  return mapFd(fd, pageSize);
}

/** Tells the egress thread of the counter page. */
export function handPage({ page }: ThreadSetup, fd: number): void {
  const word = new Int32Array(page);
  Atomics.store(word, 0, fd);
  Atomics.notify(word, 0);
}

/** Waits until the worker has its place; returns the counter page's descriptor. */
export function awaitPage({ page }: ThreadSetup): number {
  const word = new Int32Array(page);
  Atomics.wait(word, 0, 0);
  return Atomics.load(word, 0);
}

/** Ends the process from whichever thread: Bun's own exit would end only a thread. */
export function end(code: number): never {
  shim.mcr_exit(code);
  throw new Error("unreachable");
}

/**
 * Puts the calling thread ahead of what else runs on its core, and of that alone: threads that the runtime makes, its compiler
 * among them, begin as ordinary ones. Called when warm, so that a spare that is born disturbs nobody; takes CAP_SYS_NICE.
 */
export function prefer(log: LogWriter): void {
  // Gathering and naps are waits of 64 us: 50 more would be most of what they cost.
  sharpenWaits();
  const error = shim.mcr_prefer(limits.workerNice, limits.workerSliceUs);
  if (error < 0) {
    // Without CAP_SYS_NICE the short slice is still to be had.
    const alone = shim.mcr_prefer(0, limits.workerSliceUs);
    log.say(
      "Debug",
      `not preferred on its core: ${errnoName(error)}; a short slice: ${alone < 0 ? errnoName(alone) : "yes"}`,
    );
  }
}
