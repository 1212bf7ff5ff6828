// Frames that went to a rule's group and not to the rule: another port, another source, refused. What explains why nothing
// arrives. Kept under the first rule of the group, so that there is no more of it than there are rules.
import type { Capture } from "./capture.ts";
import { refusal, ruleField, ruleFirst, ruleSize } from "./counters.ts";
import type { MatchRule } from "./match.ts";
import type { Datagram } from "./parse.ts";

/** Notes a good datagram that no rule of its link took. */
export function noteOther(counters: Float64Array, capture: Capture, datagram: Datagram, nowNs: number): void {
  const rule = capture.rules.groups.find(datagram.destinationWord);
  if (rule !== undefined) {
    const at = placeOf(rule);
    add(counters, at + ruleField.otherFrames);
    counters[at + ruleField.otherPort] = datagram.portAndProtocol;
    counters[at + ruleField.otherSource] = datagram.sourceWord >>> 0;
    counters[at + ruleField.otherNs] = nowNs;
  }
}

/** Notes a frame that was refused as number `reason`; `vlan` is that of its tag, 0 without. */
export function noteRefused(
  counters: Float64Array,
  capture: Capture,
  destinationWord: number,
  reason: number,
  vlan: number,
  nowNs: number,
): void {
  const rule = destinationWord === 0 ? undefined : capture.rules.groups.find(destinationWord);
  if (rule === undefined) {
    return;
  }
  const at = placeOf(rule);
  if (reason === refusal.vlan) {
    add(counters, at + ruleField.tagged);
    counters[at + ruleField.taggedVlan] = vlan;
    counters[at + ruleField.taggedNs] = nowNs;
    return;
  }
  add(counters, at + ruleField.refused);
  counters[at + ruleField.refusedReason] = reason;
  counters[at + ruleField.refusedNs] = nowNs;
}

function placeOf(rule: MatchRule): number {
  return ruleFirst + rule.counter * ruleSize;
}

function add(counters: Float64Array, at: number): void {
  counters[at] = (counters[at] as number) + 1;
}
