// Rules as the packet's path compares them: a little-endian load of what stands in the frame in network order.
import { swap } from "../base/byte-order.ts";
import type { MatchRule } from "../relay/match.ts";
import type { OrderRule } from "./orders.ts";

/** A rule as the packet's path compares it: addresses as a little-endian load sees them. */
export function matchRule(rule: Omit<OrderRule, "rule_id" | "capture" | "outputs">): MatchRule {
  return {
    serial: rule.serial,
    counter: rule.counter,
    destinationWord: swap(rule.group),
    portAndProtocol: rule.port | (rule.protocol << 16),
    sourceWord: swap(rule.source),
  };
}
