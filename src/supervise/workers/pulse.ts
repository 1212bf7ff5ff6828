// Whether a worker is alive but stuck, from what it answers. Pure: the clock is an argument.
// Time counts only while we looked: when the supervisor itself was stopped, or the whole machine was, what workers said
// meanwhile lies unread, and nobody may be blamed for it.
import { limits } from "../../limits.ts";
import { type Half, halves } from "../../worker/orders.ts";

/** What is to be done after a look: ask for a sign of life, nothing, or give the worker up. */
export type Verdict = "ask" | "wait" | { stuck: Half[]; silentMs: number };

/** The most that may count between two looks. */
const stepMaxMs = 2 * limits.heartbeatLookMs;

/** The signs of life of one worker. Times in milliseconds, by a clock that never goes back. */
export class Pulse {
  private lookedMs: number;
  private beatMs: number;
  private restMs = 0;
  /** Halves that owe an answer, and for how long. */
  private readonly owing = new Map<Half, number>();

  constructor(nowMs: number) {
    this.lookedMs = nowMs;
    this.beatMs = nowMs;
  }

  /** To be called every heartbeatLookMs. */
  look(nowMs: number): Verdict {
    const stepMs = Math.min(nowMs - this.lookedMs, stepMaxMs);
    this.lookedMs = nowMs;
    if (this.owing.size === 0) {
      this.restMs += stepMs;
      return this.restMs < limits.heartbeatPeriodMs ? "wait" : "ask";
    }
    for (const [half, silentMs] of this.owing) {
      this.owing.set(half, silentMs + stepMs);
    }
    const silentMs = Math.max(...this.owing.values());
    return silentMs < limits.heartbeatWaitMs ? "wait" : { stuck: [...this.owing.keys()], silentMs };
  }

  /** The worker was asked: both halves owe an answer. */
  asked(): void {
    this.restMs = 0;
    for (const half of halves) {
      this.owing.set(half, 0);
    }
  }

  /** A half has carried out an order: it lives. `isAnswer`: the order was our question. */
  heard(half: Half, isAnswer: boolean, nowMs: number): void {
    if (isAnswer) {
      this.owing.delete(half);
    } else if (this.owing.has(half)) {
      this.owing.set(half, 0);
    }
    if (this.owing.size === 0) {
      this.beatMs = nowMs;
    }
  }

  /** How long ago both halves had answered all they were asked. */
  ageMs(nowMs: number): number {
    return Math.max(0, nowMs - this.beatMs);
  }
}
