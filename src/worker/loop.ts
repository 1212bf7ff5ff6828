// The loop of a thread: everything that can wake it is an entry in its one ring, and this is the only place where it waits.
import { limits } from "../limits.ts";
import type { Ring } from "../shim/ring.ts";

/** One half of the data path, as the loop drives it. */
export type Side = {
  /** Does what there is to do, within bounds. True when it stopped at a bound and has more to do. */
  turn(nowNs: number): boolean;
  /** True while something was handed to the ring whose completion is at hand. */
  hasSends(): boolean;
  /** Goes on with what completions made ready; takes nothing new. */
  proceed(): void;
  /** How long the thread may wait for the ring, in microseconds, when no side has more to do. */
  waitUs(): number;
  /** How long the ring may let completions gather before it wakes the thread, in microseconds. */
  gatherUs(): number;
  /**
   * How long the thread may rest before it looks once more, in microseconds, without asking to be woken for what comes
   * meanwhile; 0: it is to sleep now. A side that waits for the ring alone has none.
   */
  napUs?(): number;
  /** An entry of the ring is done. */
  completed(token: number, result: number, isArmed: boolean, nowNs: number): void;
  /** True when this token is this side's. */
  owns(token: number): boolean;
  /** True when the side has finished for good. */
  isOver(): boolean;
};

/** What stands between the last look and the wait: the sleep of the wakeup protocol, or nothing. */
export type Sleep = { fallAsleep(): boolean; awake(): void };

/** Nobody has to be woken: both sides share a thread, or the ring says all there is. */
export const alone: Sleep = { fallAsleep: () => true, awake: () => undefined };

/** What a loop is told from outside: the time, in nanoseconds, and whom it tells when it was away longer than ever. */
export type Watch = { clockNs: () => number; stalled: (ns: number) => void };

/** Runs until every side is over. */
export function run(ring: Ring, sides: readonly Side[], sleep: Sleep, watch: Watch): void {
  const looks = { longestNs: 0, lastNs: watch.clockNs() };
  while (!sides.every(isOver)) {
    turn(ring, sides, sleep, watch, looks);
  }
}

/** When the loop looked at the ring last, and the longest it took from one look to the next. */
type Looks = { longestNs: number; lastNs: number };

// Not in the loop itself: a function that never returns is compiled while it runs, which the JIT does late and at great length.
function turn(ring: Ring, sides: readonly Side[], sleep: Sleep, { clockNs, stalled }: Watch, looks: Looks): void {
  const turnNs = clockNs();
  let hasMore = false;
  for (const side of sides) {
    hasMore = side.turn(turnNs) || hasMore;
  }
  // What came meanwhile is left to gather: taking it at once would make many small batches of one large one.
  hasMore = !settle(ring, sides, clockNs) || hasMore;
  const doneNs = clockNs();
  if (doneNs - looks.lastNs > looks.longestNs) {
    looks.longestNs = doneNs - looks.lastNs;
    stalled(looks.longestNs);
  }
  if (hasMore) {
    looks.lastNs = doneNs;
    dispatch(ring, sides, ring.wait(0, 0), doneNs);
  } else {
    const count = waitAsleep(ring, sides, sleep);
    looks.lastNs = clockNs();
    dispatch(ring, sides, count, looks.lastNs);
  }
}

/** Hands sends to the kernel until none is left; false when that takes longer than a turn should. */
function settle(ring: Ring, sides: readonly Side[], clockNs: () => number): boolean {
  for (let round = 0; round < limits.settleRoundsMax; round++) {
    if (!sides.some(hasSends)) {
      return true;
    }
    dispatch(ring, sides, ring.wait(0, 0), clockNs());
    for (const side of sides) {
      side.proceed();
    }
  }
  return false;
}

// Named once: a function written where it is used would be made anew each turn, and garbage has to be collected.
function isOver(side: Side): boolean {
  return side.isOver();
}

function hasSends(side: Side): boolean {
  return side.hasSends();
}

function waitAsleep(ring: Ring, sides: readonly Side[], sleep: Sleep): number {
  let napUs = 0;
  for (const side of sides) {
    napUs = Math.max(napUs, side.napUs?.() ?? 0);
  }
  if (napUs > 0) {
    return ring.wait(0, napUs);
  }
  if (!sleep.fallAsleep()) {
    return ring.wait(0, 0);
  }
  let waitUs: number = limits.turnWaitUs;
  let gatherUs = 0;
  for (const side of sides) {
    waitUs = Math.min(waitUs, side.waitUs());
    gatherUs = Math.max(gatherUs, side.gatherUs());
  }
  const count = ring.wait(gatherUs, waitUs);
  sleep.awake();
  return count;
}

function dispatch(ring: Ring, sides: readonly Side[], count: number, nowNs: number): void {
  for (let at = 0; at < count; at++) {
    const token = ring.token(at);
    for (const side of sides) {
      if (side.owns(token)) {
        side.completed(token, ring.result(at), ring.isArmed(at), nowNs);
        break;
      }
    }
  }
}
