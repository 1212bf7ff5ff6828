// Rules as the packet's path compares them: a little-endian load of what stands in the frame in network order.
import type { MatchRule } from "../relay/match.ts";
import type { OrderRule } from "./orders.ts";

/** The four bytes of `word` in the opposite order, unsigned. Its own inverse. */
export function swap(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** A rule as the packet's path compares it: addresses as a little-endian load sees them. */
export function matchRule(rule: OrderRule): MatchRule {
  return {
    serial: rule.serial,
    counter: rule.counter,
    destinationWord: swap(rule.group),
    portAndProtocol: rule.port | (rule.protocol << 16),
    sourceWord: swap(rule.source),
  };
}
