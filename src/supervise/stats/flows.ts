// Flows as MCR counts them (INTEROP.md 8.3): by group and port, whatever links and sources the rules name.
import type { FlowStats } from "../../control/words.ts";
import type { LiveRule } from "../rules/live-rule.ts";
import type { CounterRate } from "./counter-rates.ts";

/** What is known of one rule: totals since it was added, and per second. */
export type Flowing = CounterRate & { perSecond: CounterRate };

const bitsPerByte = 8;

type FlowRule = Pick<LiveRule, "rule" | "counter">;
/** The rules of one flow, and what they have in common. */
type Group = { words: Pick<FlowStats, "input_group" | "input_port" | "input_protocol">; rules: FlowRule[] };

/** All flows, in the order of the rules; which rules are one flow is found out when rules change, and not at every look. */
export class Flows {
  private groups: { of: readonly FlowRule[]; all: Group[] } = { of: [], all: [] };

  /** One entry a group and port of `rules`; a datagram counts once for each rule that took it. */
  list(rules: readonly FlowRule[], of: (counter: number) => Flowing): FlowStats[] {
    if (this.groups.of !== rules) {
      this.groups = { of: rules, all: groupsOf(rules) };
    }
    return this.groups.all.map((group) => flowOf(group, of));
  }
}

function groupsOf(rules: readonly FlowRule[]): Group[] {
  const groups = new Map<string, Group>();
  for (const each of rules) {
    const { input_group, input_port, input_protocol } = each.rule;
    const key = `${input_group}:${input_port}`;
    const known = groups.get(key);
    if (known === undefined) {
      groups.set(key, { words: { input_group, input_port, input_protocol }, rules: [each] });
    } else {
      known.rules.push(each);
    }
  }
  return [...groups.values()];
}

function flowOf({ words, rules }: Group, of: (counter: number) => Flowing): FlowStats {
  const flow = { ...words, packets_relayed: 0, bytes_relayed: 0, packets_per_second: 0, bits_per_second: 0 };
  for (const { counter } of rules) {
    const { datagrams, bytes, perSecond } = of(counter);
    flow.packets_relayed += datagrams;
    flow.bytes_relayed += bytes;
    flow.packets_per_second += perSecond.datagrams;
    flow.bits_per_second += perSecond.bytes * bitsPerByte;
  }
  return flow;
}
