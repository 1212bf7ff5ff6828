// What gen and sink tell: results for people and programs, progress while they run.
import { table } from "../ctl/table.ts";
import { bits, bytes, count, rate } from "../ctl/units.ts";
import type { Histogram } from "./histogram.ts";
import type { Totals } from "./verify.ts";

/** One line or several to standard output. */
export function say(text: string): void {
  console.log(text);
}

/** To standard error. */
export function complain(text: string): void {
  console.error(text);
}

/** A line that is written over once a second, on terminals only. */
export class Progress {
  private readonly isShown: boolean;
  private isDirty = false;

  constructor(isQuiet: boolean) {
    this.isShown = !isQuiet && process.stderr.isTTY === true;
  }

  show(text: string): void {
    if (this.isShown) {
      // Back to the first column, and clear what a longer line left.
      process.stderr.write(`\r${text}\u001b[K`);
      this.isDirty = true;
    }
  }

  /** Ends the line, so that what follows stands alone. */
  end(): void {
    if (this.isDirty) {
      process.stderr.write("\n");
    }
  }
}

/** `ENOBUFS 12, EPERM 1` */
export function errorsText(errors: ReadonlyMap<string, number>): string {
  return [...errors].map(([name, times]) => `${name} ${count(times)}`).join(", ");
}

/** What `gen --json` prints; a rate is in datagrams a second. */
export type GenResult = {
  sent: number;
  bytes: number;
  /** Datagrams that the kernel did not take. */
  failed: number;
  /** Refused sends by errno, also those that went well when tried again. */
  errors: Record<string, number>;
  flows: number;
  seconds: number;
  rate: number;
  bits_per_second: number;
  /** null: as fast as it goes. */
  asked_rate: number | null;
  held: boolean;
  /** How late bursts or single datagrams were by the schedule; null without one. */
  late_us: Times | null;
  /** How far the schedule was moved because it could not be kept. */
  slipped_ms: number;
  interrupted: boolean;
};

/** The result of gen for people. */
export function renderGen(result: GenResult): string {
  const rows = [
    ["sent", `${count(result.sent)} datagrams, ${bytes(result.bytes)} in ${result.seconds.toFixed(2)} s`],
    ["rate", `${rate(result.rate)}, ${bits(result.bits_per_second)} of payload`],
  ];
  if (result.late_us !== null) {
    rows.push(["late", timesText(result.late_us)]);
  }
  if (!result.held && result.asked_rate !== null) {
    const slipped = result.slipped_ms > 0 ? `; the schedule moved by ${count(result.slipped_ms)} ms` : "";
    rows.push(["not held", `asked ${rate(result.asked_rate)}, reached ${rate(result.rate)}${slipped}`]);
  }
  if (result.failed > 0) {
    rows.push(["failed", `${count(result.failed)} datagrams were not taken by the kernel`]);
  }
  const errors = new Map(Object.entries(result.errors));
  if (errors.size > 0) {
    rows.push(["refused", `${errorsText(errors)} (sends)`]);
  }
  return table([{ head: "gen" }, { head: result.interrupted ? "stopped by a signal" : "" }], rows);
}

/** Times in microseconds; `negative` is how many were below zero. */
type Times = { min: number; p50: number; p99: number; p999: number; max: number; negative: number };

/** What `sink --json` prints; bounds of latency in microseconds. */
export type SinkResult = {
  received: number;
  distinct: number;
  expected: number | null;
  lost: number;
  duplicated: number;
  reordered: number;
  reordered_by_max: number;
  corrupt: number;
  foreign: number;
  empty: number;
  unjudged: number;
  bytes: number;
  seconds: number;
  rate: number;
  bits_per_second: number;
  /** null: no datagram was large enough to carry its time. */
  latency_us: Times | null;
  first_sequence: number | null;
  last_sequence: number | null;
  streams: number;
  /** What this program's own sockets had no room for: lost here, not on the way. */
  kernel_drops: number;
  complete: boolean;
  interrupted: boolean;
  flows: { target: string; received: number; lost: number; duplicated: number; reordered: number; corrupt: number }[];
};

/** Percentiles of `histogram` (nanoseconds) in microseconds. */
export function timesOf(histogram: Histogram): Times | null {
  if (histogram.count === 0) {
    return null;
  }
  const us = (share: number) => (histogram.percentile(share) ?? 0) / 1000;
  const { min, max, negative } = histogram;
  return { min: min / 1000, p50: us(0.5), p99: us(0.99), p999: us(0.999), max: max / 1000, negative };
}

/** One flow's line of the JSON. */
export function flowOf(target: string, totals: Totals): SinkResult["flows"][number] {
  const { received, lost, duplicated, reordered, corrupt } = totals;
  return { target, received, lost, duplicated, reordered, corrupt };
}

/** The result of sink for people. */
export function renderSink(result: SinkResult): string {
  const of = result.expected === null ? "" : ` of ${count(result.expected)} expected`;
  const rows = [
    ["received", `${count(result.received)}${of}, ${bytes(result.bytes)} in ${result.seconds.toFixed(2)} s`],
    ["rate", `${rate(result.rate)}, ${bits(result.bits_per_second)} of payload`],
    ["lost", `${count(result.lost)}${ownDrops(result)}`],
    ["duplicated", count(result.duplicated)],
    [
      "reordered",
      `${count(result.reordered)}${result.reordered > 0 ? `, by ${count(result.reordered_by_max)} at most` : ""}`,
    ],
    ["corrupt", count(result.corrupt)],
    ...(result.foreign > 0 ? [["foreign", `${count(result.foreign)} not from gen`]] : []),
    ...(result.unjudged > 0
      ? [["unjudged", `${count(result.unjudged)} too late to say whether late or repeated`]]
      : []),
    ["latency", latencyText(result.latency_us)],
    ...(result.last_sequence === null ? [] : [["sequence", `${result.first_sequence} to ${result.last_sequence}`]]),
  ];
  const flows = result.flows.length > 1 ? `\n\n${flowsTable(result)}` : "";
  const state = `${result.complete ? "complete" : "NOT complete"}${result.interrupted ? ", stopped by a signal" : ""}`;
  return table([{ head: "sink" }, { head: state }], rows) + flows;
}

function ownDrops(result: SinkResult): string {
  return result.kernel_drops === 0
    ? ""
    : `; this receiver itself had no room for ${count(result.kernel_drops)}: give it a larger --rcvbuf`;
}

function latencyText(latency: Times | null): string {
  if (latency === null) {
    return "not known: no datagram of 36 bytes or more";
  }
  const skew = latency.negative > 0 ? `; ${count(latency.negative)} arrived before they left: the clocks differ` : "";
  return timesText(latency) + skew;
}

function timesText({ p50, p99, p999, max }: Times): string {
  return `p50 ${us(p50)}, p99 ${us(p99)}, p99.9 ${us(p999)}, max ${us(max)}`;
}

function us(value: number): string {
  return Math.abs(value) < 10_000 ? `${value.toFixed(value < 100 ? 1 : 0)} us` : `${(value / 1000).toFixed(1)} ms`;
}

function flowsTable(result: SinkResult): string {
  const heads = ["RECEIVED", "LOST", "DUPLICATED", "REORDERED", "CORRUPT"];
  const columns = [{ head: "FLOW" }, ...heads.map((head) => ({ head, align: "right" }) as const)];
  const rows = result.flows.map((flow) => [
    flow.target,
    ...[flow.received, flow.lost, flow.duplicated, flow.reordered, flow.corrupt].map(count),
  ]);
  return table(columns, rows);
}
