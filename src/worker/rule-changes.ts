// The pieces of one change of rules, gathered until the last is there.
import type { Order, OrderRule } from "./orders.ts";

/** Rules that come or change, and serials that go, all at once. */
export type RuleChanges = { put: OrderRule[]; remove: number[] };

/** Gathers the pieces of one stream. */
export class RulePieces {
  private gathered: RuleChanges = { put: [], remove: [] };

  /** The whole change when this was its last piece. A first piece puts an end to a change whose last never came. */
  add({ put, remove, isFirst, isLast }: Extract<Order, { kind: "ChangeRules" }>): RuleChanges | undefined {
    if (isFirst) {
      this.gathered = { put: [], remove: [] };
    }
    this.gathered.put.push(...put);
    this.gathered.remove.push(...remove);
    if (!isLast) {
      return undefined;
    }
    const whole = this.gathered;
    this.gathered = { put: [], remove: [] };
    return whole;
  }
}
