// The last minute of every rule's rate, a sample a second.
import type { RuleStatus } from "../../control/status.ts";

const samplesMax = 60;
const blocks = "▁▂▃▄▅▆▇█";

/** Rates by rule id, oldest first. */
export class History {
  private samples = new Map<string, number[]>();

  /** Adds the present rates; rules that are gone are forgotten. */
  add(rules: readonly RuleStatus[]): void {
    const next = new Map<string, number[]>();
    for (const { rule_id, datagrams_per_second } of rules) {
      next.set(rule_id, [...(this.samples.get(rule_id) ?? []), datagrams_per_second].slice(-samplesMax));
    }
    this.samples = next;
  }

  of(ruleId: string): readonly number[] {
    return this.samples.get(ruleId) ?? [];
  }
}

/** The newest `width` samples as blocks, the highest of them full; right-aligned, a blank where nothing was. */
export function sparkline(samples: readonly number[], width: number): string {
  const shown = samples.slice(-width);
  const top = Math.max(...shown, 1);
  const bars = shown.map((each) => (each <= 0 ? " " : (blocks[Math.ceil((each / top) * blocks.length) - 1] ?? " ")));
  return bars.join("").padStart(width);
}
