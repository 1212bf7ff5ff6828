// Rules as the packet's path compares them: a little-endian load of what stands in the frame in network order.
import { swap } from "../base/byte-order.ts";
import type { MatchRule } from "../relay/match.ts";
import type { OrderRule } from "./orders.ts";

/** More than the beginning of a link's name says (rules/precedence.ts). */
const linkRankMax = 16;

/** A rule as the packet's path compares it: addresses as a little-endian load sees them. */
export function matchRule(rule: Omit<OrderRule, "rule_id" | "captures" | "outputs">): MatchRule {
  const { range } = rule;
  return {
    serial: rule.serial,
    counter: rule.counter,
    destinationWord: swap(rule.group),
    destinationBits: range?.groupBits ?? 32,
    portFirst: rule.port,
    portLast: range?.portLast ?? rule.port,
    protocol: rule.protocol,
    sourceWord: swap(rule.source),
    sourceBits: range?.sourceBits ?? (rule.source === 0 ? 0 : 32),
    linkRank: range?.linkRank ?? linkRankMax,
  };
}
