// Latency as it is now. Counters hold all that was sampled since the start, in which a bad minute drowns after a good day: so their
// state is kept once a period, and what came since the oldest state kept is the last minute's.
import { bucketEnd, shareOf } from "../../base/buckets.ts";
import type { Latency } from "../../control/status.ts";
import { limits } from "../../limits.ts";
import type { Page } from "./pages.ts";

/** The last limits.latencyWindowPeriods states of every page's histogram. */
export class LatencyWindow {
  private readonly states = new Map<Page, Float64Array[]>();

  /** To be called once a period. */
  sample(pages: readonly Page[]): void {
    for (const page of pages) {
      const kept = this.states.get(page) ?? [];
      kept.push(page.latencies());
      this.states.set(page, kept.slice(-limits.latencyWindowPeriods));
    }
  }

  /** What pages sampled within the window; zeros when that is nothing. The maximum is as exact as its bucket. */
  of(pages: readonly Page[]): Latency {
    const buckets = sumOf(pages.map((page) => this.since(page)));
    const last = buckets.findLastIndex((count) => count > 0);
    return latencyFrom(buckets, last < 0 ? 0 : Math.min(bucketEnd(last), maxOf(pages)));
  }

  private since(page: Page): Float64Array {
    const [oldest] = this.states.get(page) ?? [];
    return page.latencies().map((count, at) => count - (oldest?.[at] ?? 0));
  }
}

/** Latency over all that pages ever sampled; zeros while nothing was. */
export function latencyOf(pages: readonly Page[]): Latency {
  return latencyFrom(sumOf(pages.map((page) => page.latencies())), maxOf(pages));
}

function latencyFrom(buckets: Float64Array, max: number): Latency {
  const share = (of: number) => Math.min(shareOf(buckets, of), max);
  return {
    samples: buckets.reduce((sum, each) => sum + each, 0),
    p50_us: share(0.5),
    p99_us: share(0.99),
    p999_us: share(0.999),
    max_us: max,
  };
}

function maxOf(pages: readonly Page[]): number {
  return Math.max(0, ...pages.map((page) => page.egress("latencyMaxUs")));
}

function sumOf(all: readonly Float64Array[]): Float64Array {
  return (all[0] ?? new Float64Array(0)).map((_, at) => all.reduce((sum, each) => sum + (each[at] ?? 0), 0));
}
