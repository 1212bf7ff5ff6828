// Orders that one worker was given and has not acknowledged yet. Both halves acknowledge each, once, and nothing else: a
// worker that says more than that is not understood, and what it says costs no memory.
import { limits } from "../../limits.ts";
import type { Half, Order, Report } from "../../worker/orders.ts";

type Done = Extract<Report, { kind: "done" }>;
type Waiting = {
  kind: Order["kind"];
  halves: Set<Half>;
  errors: string[];
  waitedMs: number;
  settle: (error: string | undefined) => void;
};

/** The open orders of one worker, by number. */
export class OpenOrders {
  private readonly waiting = new Map<number, Waiting>();
  private lookedMs: number;

  constructor(nowMs: number) {
    this.lookedMs = nowMs;
  }

  /** True when rules may be on their way: what the worker reported last is not what it will hold. */
  get hasChanges(): boolean {
    for (const { kind } of this.waiting.values()) {
      if (kind !== "Ping") {
        return true;
      }
    }
    return false;
  }

  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  /** Notes order `seq`; settles when both halves have carried it out, or with the reason why one has not. */
  open(seq: number, kind: Order["kind"]): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const halves = new Set<Half>(["ingress", "egress"]);
    this.waiting.set(seq, { kind, halves, errors: [], waitedMs: 0, settle: resolve });
    return promise;
  }

  /** Takes an acknowledgement; returns what is wrong with it. */
  acknowledge(said: Done): string | undefined {
    const waiting = this.waiting.get(said.seq);
    if (waiting?.halves.delete(said.by) !== true) {
      return `its ${said.by} acknowledged order ${said.seq}, which it did not owe`;
    }
    if (said.error !== undefined) {
      waiting.errors.push(said.error);
    }
    if (waiting.halves.size === 0) {
      this.waiting.delete(said.seq);
      waiting.settle(waiting.errors[0]);
    }
    return undefined;
  }

  /** To be called every heartbeatLookMs; returns which order is overdue. As in pulse.ts, only the time that we looked counts. */
  look(nowMs: number): string | undefined {
    const stepMs = Math.min(nowMs - this.lookedMs, 2 * limits.heartbeatLookMs);
    this.lookedMs = nowMs;
    for (const waiting of this.waiting.values()) {
      waiting.waitedMs += stepMs;
      if (waiting.waitedMs >= limits.orderAckWaitMs) {
        return `it did not acknowledge ${waiting.kind} within ${limits.orderAckWaitMs} ms`;
      }
    }
    return undefined;
  }

  /** The worker is gone: nobody needs to wait any longer. */
  abandon(reason: string): void {
    for (const waiting of this.waiting.values()) {
      waiting.settle(reason);
    }
    this.waiting.clear();
  }
}
