// The counters as Prometheus reads them: text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
// Base units, `_total` on counters alone, labels only from what an operator configured: never an address of a sender.
import { refusals } from "../relay/counters.ts";
import { Exposition, type Labels } from "./exposition-page.ts";
import type { LinkStatus, OutputStatus, RuleStatus, Status } from "./status.ts";
import { workers } from "./worker-exposition.ts";

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
    "rule_enabled",
    "gauge",
    "0 for a rule that is disabled: it is kept, and takes nothing.",
    each(({ state }) => (state === "disabled" ? 0 : 1)),
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
  out.family(
    "rule_warnings",
    "gauge",
    "What is odd about a rule that runs: others make what it makes, the kernel sends it too, an allowed loop; 'list' has the words.",
    each((rule) => rule.warnings?.length ?? 0),
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
    "interface_membership_reports_total",
    "counter",
    "IGMP reports sent so that switches do not forget memberships.",
    each((link) => link.rejoin?.reports ?? 0),
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
