// Flows as MCR counts them (INTEROP.md 8.3): by group and port, whatever links and sources the rules name.
import type { FlowStats } from "../control/words.ts";
import type { CounterRate } from "./counter-rates.ts";
import type { LiveRule } from "./live-rule.ts";

/** What is known of one rule: totals since it was added, and per second. */
export type Flowing = CounterRate & { perSecond: CounterRate };

const bitsPerByte = 8;

/** One entry a group and port, in the order of the rules; a datagram counts once for each rule that took it. */
export function flowsOf(
  lives: readonly Pick<LiveRule, "rule" | "counter">[],
  of: (counter: number) => Flowing,
): FlowStats[] {
  const flows = new Map<string, FlowStats>();
  for (const { rule, counter } of lives) {
    const { input_group, input_port, input_protocol } = rule;
    const key = `${input_group}:${input_port}`;
    const { datagrams, bytes, perSecond } = of(counter);
    const known = flows.get(key);
    flows.set(key, {
      input_group,
      input_port,
      input_protocol: known?.input_protocol ?? input_protocol,
      packets_relayed: (known?.packets_relayed ?? 0) + datagrams,
      bytes_relayed: (known?.bytes_relayed ?? 0) + bytes,
      packets_per_second: (known?.packets_per_second ?? 0) + perSecond.datagrams,
      bits_per_second: (known?.bits_per_second ?? 0) + perSecond.bytes * bitsPerByte,
    });
  }
  return [...flows.values()];
}
