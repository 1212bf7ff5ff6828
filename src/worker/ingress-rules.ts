// The rules of the ingress half: what orders brought, and the match tables of the captures that follow from it.
import type { Capture } from "../relay/capture.ts";
import { MatchTable } from "../relay/match.ts";
import { RulesDigest } from "./digest.ts";
import { matchRule } from "./match-rule.ts";
import type { OrderRule } from "./orders.ts";

/** Rules by serial number. Match tables follow at rebuild(), once for any number of changes. */
export class IngressRules {
  readonly bySerial = new Map<number, OrderRule>();
  private readonly digest = new RulesDigest("ingress");
  /** Captures whose rules changed since the last rebuild. */
  private readonly changed = new Set<number>();

  /** What the supervisor compares (digest.ts). */
  get text(): string {
    return this.digest.text;
  }

  /** Adds a rule, or puts it in the place of the one with its serial number. */
  put(rule: OrderRule): void {
    this.remove(rule.serial);
    this.bySerial.set(rule.serial, rule);
    this.digest.put(rule);
    this.change(rule);
  }

  remove(serial: number): void {
    const rule = this.bySerial.get(serial);
    if (rule !== undefined) {
      this.bySerial.delete(serial);
      this.digest.drop(serial);
      this.change(rule);
    }
  }

  /** Removes all that `isGone` says of. */
  removeWhere(isGone: (rule: OrderRule) => boolean): void {
    for (const rule of [...this.bySerial.values()]) {
      if (isGone(rule)) {
        this.remove(rule.serial);
      }
    }
  }

  /** A capture is no more: rules that have others live on with these. */
  leaveCapture(serial: number): void {
    for (const rule of [...this.bySerial.values()].filter(({ captures }) => captures.includes(serial))) {
      const captures = rule.captures.filter((each) => each !== serial);
      if (captures.length === 0) {
        this.remove(rule.serial);
      } else {
        this.put({ ...rule, captures });
      }
    }
  }

  private change({ captures }: OrderRule): void {
    for (const capture of captures) {
      this.changed.add(capture);
    }
  }

  /** Builds the match tables of the captures whose rules changed. */
  rebuild(captureOf: (serial: number) => Capture | undefined): void {
    for (const serial of this.changed) {
      const capture = captureOf(serial);
      if (capture !== undefined) {
        const rules = [...this.bySerial.values()].filter((rule) => rule.captures.includes(serial));
        capture.rules = new MatchTable(rules.map(matchRule));
      }
    }
    this.changed.clear();
  }
}
