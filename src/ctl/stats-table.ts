// The tables of stats: rules with their outputs, what became of frames, workers, links.
import type { FrameStatus, Latency, OutputStatus, RuleStatus, Status } from "../control/status.ts";
import { describeInput } from "../rules/key.ts";
import { describeOutput } from "./list.ts";
import { table } from "./table.ts";
import { age, bits, bytes, count, micros, percent, rate } from "./units.ts";

/** Everything that stats shows. */
export function renderStats(status: Status): string {
  const rows = status.rules.flatMap((rule) => [inputRow(rule), ...rule.outputs.map(outputRow)]);
  const parts = [rows.length === 0 ? "no rules" : table(ruleColumns, rows), renderFrames(status.frames)];
  parts[1] += latencyLines(status);
  if (status.workers.length > 0) {
    parts.push(table(workerColumns, workerRows(status)));
  }
  const links = status.links.filter((link) => link.inputs > 0);
  if (links.length > 0) {
    const linkRows = links.map((link) => [
      link.name,
      count(link.frames ?? 0),
      count(link.kernel_drops),
      link.last_vlan === undefined ? count(link.tagged ?? 0) : `${count(link.tagged ?? 0)} (VLAN ${link.last_vlan})`,
    ]);
    parts.push(table(linkColumns, linkRows));
  }
  return parts.join("\n\n");
}

const ruleColumns = [
  { head: "RULE" },
  { head: "FLOW" },
  { head: "DATAGRAMS", align: "right" },
  { head: "BYTES", align: "right" },
  { head: "RATE", align: "right" },
  { head: "BITS", align: "right" },
  { head: "LAST", align: "right" },
  { head: "FAILED", align: "right" },
  { head: "DROPPED", align: "right" },
  { head: "STATE" },
] as const;

const workerColumns = [
  { head: "WORKER", align: "right" },
  { head: "CPU", align: "right" },
  { head: "QUEUE MAX", align: "right" },
  { head: "PAUSES", align: "right" },
  { head: "BATCH", align: "right" },
  { head: "WAKEUPS", align: "right" },
  { head: "AVOIDED", align: "right" },
  { head: "STALL", align: "right" },
  { head: "P50", align: "right" },
  { head: "P99", align: "right" },
  { head: "P99.9", align: "right" },
  { head: "MAX", align: "right" },
  { head: "SEND ERRORS" },
] as const;

const linkColumns = [
  { head: "LINK" },
  { head: "FRAMES", align: "right" },
  { head: "KERNEL DROPS", align: "right" },
  { head: "TAGGED", align: "right" },
] as const;

function inputRow(rule: RuleStatus): string[] {
  const missed = (rule.missed ?? 0) > 0 ? `, ${count(rule.missed ?? 0)} arrived and were not taken` : "";
  const state = `${rule.state}${rule.reason === undefined ? "" : `: ${rule.reason}`}${missed}`;
  const volume = [
    count(rule.datagrams),
    bytes(rule.bytes),
    rate(rule.datagrams_per_second),
    bits(rule.bits_per_second),
    age(rule.last_seen_seconds),
  ];
  return [rule.name ?? rule.rule_id, describeInput(rule), ...volume, "", "", state];
}

function outputRow(output: OutputStatus): string[] {
  const volume = [
    count(output.datagrams_sent),
    bytes(output.bytes_sent),
    rate(output.datagrams_per_second),
    bits(output.bits_per_second),
    age(output.last_sent_seconds),
    count(output.datagrams_failed),
    count(output.datagrams_dropped),
  ];
  const pending = output.pending === undefined ? [] : [`pending: ${output.pending}`];
  const silent = output.silent_neighbour === undefined ? [] : [`${output.silent_neighbour} does not answer to ARP`];
  const state = [...pending, ...silent, ...named(output.failures), ...named(output.drops, "dropped ")];
  return ["", `-> ${describeOutput(output)}`, ...volume, state.join(", ")];
}

/** `ENOBUFS 10`, for what is above zero. */
function named(counts: Record<string, number> | undefined, prefix = ""): string[] {
  return Object.entries(counts ?? {})
    .filter(([, times]) => times > 0)
    .map(([name, times]) => `${prefix}${name} ${count(times)}`);
}

function workerRows({ workers }: Status): string[][] {
  return workers.map((worker, index) => {
    const { sends, sent, send_errors: errors } = worker;
    const isCounted = typeof sends === "number" && typeof sent === "number" && sends > 0;
    const latency = worker.latency_minute;
    const times = latency === undefined ? [] : [latency.p50_us, latency.p99_us, latency.p999_us, latency.max_us];
    return [
      String(index),
      percent(worker.cpu_share ?? 0),
      count(worker.queue.length_max),
      count(worker.frames.queue_pauses),
      isCounted ? (sent / sends).toFixed(1) : "-",
      count(worker.wakeups_written),
      count(worker.wakeups_avoided),
      micros(Math.max(worker.stall_us?.ingress ?? 0, worker.stall_us?.egress ?? 0)),
      ...[0, 1, 2, 3].map((at) => ((latency?.samples ?? 0) > 0 ? micros(times[at] ?? 0) : "-")),
      named(isCounts(errors) ? errors : undefined).join(", "),
    ];
  });
}

function isCounts(value: unknown): value is Record<string, number> {
  return typeof value === "object" && value !== null && Object.values(value).every((each) => typeof each === "number");
}

function latencyLines({ latency, latency_minute: minute }: Status): string {
  if (latency === undefined || latency.samples === 0) {
    return "";
  }
  const now = minute === undefined || minute.samples === 0 ? "no datagram" : renderLatency(minute);
  return `\nlatency: ${now} in the last minute\n         ${renderLatency(latency)} since the start`;
}

/** `p50 12 µs, p99 …` */
export function renderLatency({ p50_us, p99_us, p999_us, max_us }: Latency): string {
  return `p50 ${micros(p50_us)}, p99 ${micros(p99_us)}, p99.9 ${micros(p999_us)}, max ${micros(max_us)}`;
}

/** Every frame has one of these fates. */
export function renderFrames(frames: FrameStatus): string {
  const refused = named(frames.refusals).join(", ");
  return [
    `frames: ${count(frames.received)} received, ${count(frames.matched)} matched, ${count(frames.no_match)} without a rule`,
    `lost:   ${count(frames.kernel_drops)} in the kernel (capture ring full)`,
    `refused: ${refused === "" ? "none" : refused}`,
  ].join("\n");
}
