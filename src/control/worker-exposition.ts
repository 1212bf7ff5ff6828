// What Prometheus reads of each worker.
import { bucketEnd } from "../base/buckets.ts";
import type { Exposition, Labels } from "./exposition-page.ts";
import type { WorkerStatus } from "./status.ts";

/** One series a worker, by its place. */
export function workers(out: Exposition, all: readonly WorkerStatus[]): void {
  const each = (value: (worker: WorkerStatus) => number) =>
    all.map((worker, index) => [{ worker: index }, value(worker)] as const);
  out.family(
    "worker_up",
    "gauge",
    "Whether the worker runs.",
    each((worker) => (worker.state === "running" ? 1 : 0)),
  );
  out.family(
    "worker_restarts_total",
    "counter",
    "How often it was replaced.",
    each((worker) => worker.restarts),
  );
  out.family(
    "worker_stalls_total",
    "counter",
    "Restarts of a worker that was alive and stuck.",
    each((worker) => worker.stalls ?? 0),
  );
  out.family(
    "worker_rule_repairs_total",
    "counter",
    "How often its rules were not the ones it should have had.",
    each((worker) => worker.rule_repairs ?? 0),
  );
  out.family(
    "worker_cpu_seconds_total",
    "counter",
    "Processor time of its present process.",
    each((worker) => worker.cpu_seconds ?? 0),
  );
  out.family(
    "worker_resident_memory_bytes",
    "gauge",
    "Resident memory of its process.",
    each((worker) => worker.rss_bytes),
  );
  out.family(
    "worker_queue_datagrams",
    "gauge",
    "Datagrams between ingress and egress.",
    each((worker) => worker.queue.length),
  );
  out.family(
    "worker_log_lines_lost_total",
    "counter",
    "Log lines that its pipe did not take.",
    each((worker) => worker.lines_lost ?? 0),
  );
  out.family(
    "worker_wakeups_total",
    "counter",
    "Times that ingress woke egress.",
    each((worker) => worker.wakeups_written),
  );
  out.family(
    "worker_stall_max_seconds",
    "gauge",
    "The longest that a loop was away from its ring.",
    each(longestStall),
  );
  out.family(
    "latency_seconds",
    "histogram",
    "From a frame's kernel timestamp to the completion of its send, sampled.",
    all.flatMap(latencySamples),
  );
}

function longestStall({ stall_us: stall }: WorkerStatus): number {
  return Math.max(stall?.ingress ?? 0, stall?.egress ?? 0) / 1e6;
}

/** One bucket a power of two is enough for a graph; the last fine bucket holds all that is longer. */
function latencySamples(worker: WorkerStatus, index: number): (readonly [Labels, number, string])[] {
  const fine = worker.latency_buckets ?? [];
  const samples: (readonly [Labels, number, string])[] = [];
  let seen = 0;
  for (const [bucket, count] of fine.entries()) {
    seen += count;
    const end = bucketEnd(bucket);
    if (end >= 8 && Number.isInteger(Math.log2(end)) && bucket < fine.length - 1) {
      samples.push([{ worker: index, le: end / 1e6 }, seen, "_bucket"]);
    }
  }
  samples.push([{ worker: index, le: "+Inf" }, seen, "_bucket"]);
  samples.push([{ worker: index }, (worker.latency_sum_us ?? 0) / 1e6, "_sum"]);
  samples.push([{ worker: index }, seen, "_count"]);
  return samples;
}
