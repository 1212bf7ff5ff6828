// What each number of a sample means and how it is written; medians over rounds.
import type { Sample } from "./session.ts";

const metricKinds: readonly [pattern: RegExp, write: (value: number) => string][] = [
  [/_loss$/, (value) => `${(100 * value).toFixed(value < 0.0995 ? 2 : 0)} %`],
  [/share$|^foreign$/, (value) => `${(100 * value).toFixed(0)} %`],
  [/_wakeups$/, (value) => value.toFixed(4)],
  [/_ns$/, (value) => `${Math.round(value)} ns`],
  [/^latency_p|^flows_p/, (value) => `${value.toFixed(value < 10 ? 1 : 0)} µs`],
  [/^memory_/, (value) => `${(value / 2 ** 20).toFixed(0)} MiB`],
  [/^rate_|^rules_|^workers_|^fanout|_offered$/, (value) => `${(value / 1000).toFixed(0)} k/s`],
];

/** A value as people read it. */
export function written(metric: string, value: number): string {
  const kind = metricKinds.find(([pattern]) => pattern.test(metric));
  return kind === undefined ? String(Math.round(value * 1000) / 1000) : kind[1](value);
}

/** A sample on one line, for the one who waits. */
export function brief(sample: Sample): string {
  return Object.entries(sample)
    .filter(([metric]) => !metric.endsWith("_limited"))
    .map(([metric, value]) => `${metric} ${written(metric, value)}${sample[`${metric}_limited`] ? "+" : ""}`)
    .join("  ");
}

/** The middle; of an even number the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
