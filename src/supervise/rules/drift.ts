// Whether every worker holds the rules that it should. Each half reports a hash of its rules with every order it carries out,
// heartbeats among them (worker/digest.ts); here it is compared with the supervisor's own, and what differs is mended.
import { limits } from "../../limits.ts";
import { digestOf } from "../../worker/digest.ts";
import { type Half, halves } from "../../worker/orders.ts";
import type { Child } from "../workers/child.ts";
import type { Place } from "../workers/place.ts";
import { type LiveRule, orderRule, upbringingOf } from "./live-rule.ts";

/** Whom the comparison tells. */
export type DriftNews = (level: "Warning" | "Error", message: string) => void;

/** What was tried with a worker: how often in a row, what it said against it, and when it may be tried again. */
type Repair = { tries: number; refused: string | undefined; notBeforeMs: number };

/** Compares and repairs. Only to be asked while no change of rules is under way. */
export class Drift {
  private readonly onNews: DriftNews;
  private readonly repairs = new WeakMap<Child, Repair>();
  private expected: { edition: number; texts: Record<Half, string> } | undefined;

  constructor(onNews: DriftNews) {
    this.onNews = onNews;
  }

  /**
   * Looks at every worker that runs. `running` gives the rules that it should have; `edition` changes whenever they may have. What
   * is wrong is ordered anew, the whole set. A worker that says it has carried that out and still has other rules is replaced.
   */
  look(places: readonly Place[], running: () => readonly LiveRule[], edition: number, nowMs: number): void {
    if (this.expected?.edition !== edition) {
      const rules = running().map(orderRule);
      this.expected = { edition, texts: { ingress: digestOf("ingress", rules), egress: digestOf("egress", rules) } };
    }
    const { texts } = this.expected;
    for (const place of places) {
      const { child } = place;
      // What it reported last is not what it will have when orders are on their way.
      if (place.state !== "running" || child === undefined || child.hasOpenChanges) {
        continue;
      }
      const wrong = halves.find((half) => child.rules[half] !== undefined && child.rules[half] !== texts[half]);
      if (wrong === undefined) {
        this.repairs.delete(child);
      } else {
        this.mend(place, child, `${wrong} has ${child.rules[wrong]}, not ${texts[wrong]}`, running(), nowMs);
      }
    }
  }

  private mend(place: Place, child: Child, what: string, running: readonly LiveRule[], nowMs: number): void {
    const before = this.repairs.get(child) ?? { tries: 0, refused: undefined, notBeforeMs: 0 };
    if (nowMs < before.notBeforeMs) {
      return;
    }
    const name = `worker ${place.index} (pid ${child.pid})`;
    if (before.tries >= limits.rulesRepairsMax && before.refused === undefined) {
      child.giveUp(`its rules are wrong (${what}), though it was given them anew ${before.tries} times`);
      return;
    }
    // What it refuses, a successor would refuse as well: then it is tried again, more and more seldom.
    const delayMs = Math.min(limits.heartbeatPeriodMs * 2 ** before.tries, limits.restartDelayMaxMs);
    const repair: Repair = { tries: before.tries + 1, refused: undefined, notBeforeMs: nowMs + delayMs };
    this.repairs.set(child, repair);
    place.repairs++;
    this.onNews("Warning", `${name} has other rules than it should (${what}); it is given them anew`);
    for (const { order, sockets } of upbringingOf(running)) {
      void child.order(order, sockets).then((error) => {
        repair.refused ??= error;
        if (error !== undefined) {
          this.onNews("Error", `${name} does not take its rules: ${error}`);
        }
      });
    }
  }
}
