// The loop of a thread: everything that can wake it is an entry in its one ring, and this is the only place where it waits.
import { limits } from "../limits.ts";
import type { Ring } from "../shim/ring.ts";

/** One half of the data path, as the loop drives it. */
export type Side = {
  /** Does what there is to do, within bounds. True when there may be more at once. */
  turn(nowNs: number): boolean;
  /** How long the thread may wait for the ring, in microseconds, when no side is busy. */
  waitUs(): number;
  /** An entry of the ring is done. */
  completed(token: number, result: number, isArmed: boolean, nowNs: number): void;
  /** True when this token is this side's. */
  owns(token: number): boolean;
  /** True when the side has finished for good. */
  isOver(): boolean;
};

/** What stands between the last look and the wait: the sleep of the wakeup protocol, or nothing. */
export type Sleep = { fallAsleep(): boolean; awake(): void };

/** Runs until every side is over. */
export function run(ring: Ring, sides: readonly Side[], sleep: Sleep, clockNs: () => number): void {
  while (!sides.every((side) => side.isOver())) {
    const turnNs = clockNs();
    let isBusy = false;
    for (const side of sides) {
      isBusy = side.turn(turnNs) || isBusy;
    }
    const count = isBusy ? ring.wait(0, 0) : waitAsleep(ring, sides, sleep);
    if (count > 0) {
      dispatch(ring, sides, count, clockNs());
    }
  }
}

function waitAsleep(ring: Ring, sides: readonly Side[], sleep: Sleep): number {
  if (!sleep.fallAsleep()) {
    return ring.wait(0, 0);
  }
  let waitUs: number = limits.turnWaitUs;
  for (const side of sides) {
    waitUs = Math.min(waitUs, side.waitUs());
  }
  const count = ring.wait(1, waitUs);
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
