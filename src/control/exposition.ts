// The counters as Prometheus reads them: text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
// Base units, `_total` on counters alone, labels only from what an operator configured: never an address of a sender.
import { bucketEnd } from "../base/buckets.ts";
import { refusals } from "../relay/counters.ts";
import type { LinkStatus, OutputStatus, RuleStatus, Status, WorkerStatus } from "./status.ts";

type Labels = Readonly<Record<string, string | number>>;
type Kind = "counter" | "gauge" | "histogram";

/** Families of samples in the order they were begun. Two samples with the same labels (a rule with the same output twice) add up. */
class Exposition {
  private readonly lines: string[] = [];

  family(name: string, kind: Kind, help: string, samples: Iterable<readonly [Labels, number, suffix?: string]>): void {
    const values = new Map<string, number>();
    for (const [labels, value, suffix = ""] of samples) {
      const key = `mcr_${name}${suffix}${labelText(labels)}`;
      values.set(key, (values.get(key) ?? 0) + value);
    }
    if (values.size > 0) {
      this.lines.push(`# HELP mcr_${name} ${help}`, `# TYPE mcr_${name} ${kind}`);
      this.lines.push(...[...values].map(([key, value]) => `${key} ${value}`));
    }
  }

  /** A family of the names that all processes share. */
  process(name: string, kind: Kind, help: string, value: number): void {
    this.lines.push(`# HELP process_${name} ${help}`, `# TYPE process_${name} ${kind}`, `process_${name} ${value}`);
  }

  text(): string {
    return `${this.lines.join("\n")}\n`;
  }
}

/** The page of a relay that does not answer. */
export function downExposition(): string {
  const out = new Exposition();
  out.family("up", "gauge", upHelp, [[{}, 0]]);
  return out.text();
}

const upHelp = "Whether the supervisor answers and all workers run.";

/** The whole page. `nowSeconds` since 1970. */
export function exposition(status: Status, nowSeconds: number): string {
  const out = new Exposition();
  out.family("build_info", "gauge", "Always 1; what runs is in the labels.", [
    [{ version: status.program_version, commit: status.program_commit ?? "unknown" }, 1],
  ]);
  out.family("up", "gauge", upHelp, [[{}, status.workers.every((worker) => worker.state === "running") ? 1 : 0]]);
  const { cpu_seconds: cpuSeconds = 0, rss_bytes: resident } = status.supervisor;
  out.process("cpu_seconds_total", "counter", "Processor time of the supervisor.", cpuSeconds);
  out.process("resident_memory_bytes", "gauge", "Resident memory of the supervisor.", resident);
  out.process("start_time_seconds", "gauge", "When the supervisor started.", nowSeconds - status.uptime_seconds);
  rules(out, status.rules, nowSeconds);
  outputs(out, status.rules);
  frames(out, status);
  links(out, status.links);
  workers(out, status.workers);
  return out.text();
}

function rules(out: Exposition, all: readonly RuleStatus[], nowSeconds: number): void {
  const each = (value: (rule: RuleStatus) => number | undefined) =>
    all.flatMap((rule) => {
      const found = value(rule);
      return found === undefined ? [] : ([[ruleLabels(rule), found]] as const);
    });
  out.family(
    "rule_pending",
    "gauge",
    "1 while the rule waits for its input interface.",
    each(({ state }) => (state === "pending" ? 1 : 0)),
  );
  out.family(
    "rule_datagrams_total",
    "counter",
    "Datagrams taken for the rule.",
    each((rule) => rule.datagrams),
  );
  out.family(
    "rule_bytes_total",
    "counter",
    "Payload of these.",
    each((rule) => rule.bytes),
  );
  out.family(
    "rule_last_datagram_timestamp_seconds",
    "gauge",
    "When the last one came; absent before the first.",
    each(({ last_seen_seconds: age }) => (age === undefined ? undefined : nowSeconds - age)),
  );
  out.family(
    "rule_missed_datagrams",
    "gauge",
    "Datagrams that arrived and were not taken from the capture ring.",
    each((rule) => rule.missed),
  );
}

function outputs(out: Exposition, all: readonly RuleStatus[]): void {
  const pairs = all.flatMap((rule) => rule.outputs.map((output) => ({ output, labels: outputLabels(rule, output) })));
  const each = (value: (output: OutputStatus) => number) =>
    pairs.map(({ output, labels }) => [labels, value(output)] as const);
  const byReason = (of: (output: OutputStatus) => Record<string, number> | undefined) =>
    pairs.flatMap(({ output, labels }) =>
      Object.entries(of(output) ?? {}).map(([reason, count]) => [{ ...labels, reason }, count] as const),
    );
  out.family(
    "output_pending",
    "gauge",
    "1 while the output waits for its interface, address or route.",
    each((output) => (output.pending === undefined ? 0 : 1)),
  );
  out.family(
    "output_datagrams_total",
    "counter",
    "Datagrams that the kernel took for the output.",
    each((output) => output.datagrams_sent),
  );
  out.family(
    "output_bytes_total",
    "counter",
    "Payload of these.",
    each((output) => output.bytes_sent),
  );
  out.family(
    "output_lost_datagrams_total",
    "counter",
    "Datagrams that failed or were dropped.",
    each((output) => output.datagrams_failed + output.datagrams_dropped),
  );
  out.family(
    "output_send_errors_total",
    "counter",
    "Sends that the kernel refused, by errno; most are tried again.",
    byReason(({ failures }) => failures),
  );
  out.family(
    "output_dropped_datagrams_total",
    "counter",
    "Datagrams given up before the kernel saw them.",
    byReason(({ drops }) => drops),
  );
}

function frames(out: Exposition, { frames: all }: Status): void {
  out.family("frames_received_total", "counter", "Frames taken from the capture rings.", [[{}, all.received]]);
  out.family("frames_matched_total", "counter", "Frames that a rule wanted.", [[{}, all.matched]]);
  out.family("frames_unmatched_total", "counter", "Well-formed frames that no rule wanted.", [[{}, all.no_match]]);
  out.family(
    "frames_refused_total",
    "counter",
    "Frames not forwarded, by reason.",
    refusals.map((reason) => [{ reason }, all.refusals[reason] ?? 0] as const),
  );
  out.family("queue_pauses_total", "counter", "Turns in which ingress waited for egress; nothing is lost by it.", [
    [{}, all.queue_pauses],
  ]);
}

function links(out: Exposition, all: readonly LinkStatus[]): void {
  const each = (value: (link: LinkStatus) => number) =>
    all.map((link) => [{ interface: link.name }, value(link)] as const);
  out.family(
    "interface_up",
    "gauge",
    "Whether an interface that a rule names is there and up.",
    each((link) => (link.state === "up" ? 1 : 0)),
  );
  out.family(
    "interface_kernel_drops_total",
    "counter",
    "Frames lost because a capture ring was full.",
    each((link) => link.kernel_drops),
  );
  out.family(
    "interface_tagged_frames_total",
    "counter",
    "Frames refused because of a VLAN tag.",
    each((link) => link.tagged ?? 0),
  );
}

function workers(out: Exposition, all: readonly WorkerStatus[]): void {
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

function ruleLabels({ rule_id, name, input_interface }: RuleStatus): Labels {
  return { rule: rule_id, ...(name === undefined ? {} : { name }), interface: input_interface };
}

function outputLabels({ rule_id, name }: RuleStatus, output: OutputStatus): Labels {
  return {
    rule: rule_id,
    ...(name === undefined ? {} : { name }),
    output: `${output.group}:${output.port}`,
    interface: output.interface,
  };
}

/** `{rule="a",reason="b"}`; backslash, quote and line end escaped. */
function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = String(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
