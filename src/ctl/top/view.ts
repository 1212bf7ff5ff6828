// The screen of top as lines that fit it exactly. Pure: state and size in, text out; no cursor, no colours but marks.
import { printable } from "../../base/printable.ts";
import type { RuleStatus, Status } from "../../control/status.ts";
import { describeInput } from "../../rules/key.ts";
import { summaryOf } from "../list.ts";
import { renderLatency } from "../stats-table.ts";
import { bits, count, duration, micros, percent, rate } from "../units.ts";
import { sparkline } from "./history.ts";
import { lostOf, nameOf, type TopState } from "./state.ts";

/** Of a terminal, in cells. */
export type Size = { columns: number; rows: number };

/** A line, and whether it stands out (headings, the foot). */
export type Line = { text: string; isBold?: true };

/** Below this there is no room for anything. */
const rowsMin = 6;
/** The heading of the rules, and the line that says what does not fit. */
const ruleLinesBeside = 2;
const [rateWidth, bitsWidth, lostWidth] = [11, 11, 9];

/** Exactly `rows` lines, none wider than `columns`. */
export function view(state: TopState, { columns, rows }: Size): Line[] {
  const lines =
    state.status === undefined
      ? [{ text: "waiting for the supervisor" }]
      : screen(state, state.status, { columns, rows });
  const body = lines.slice(0, Math.max(0, rows - 1)).map((line) => ({ ...line, text: fit(line.text, columns) }));
  while (body.length < rows - 1) {
    body.push({ text: "" });
  }
  return [...body, { text: fit(foot(state), columns), isBold: true }];
}

function screen(state: TopState, status: Status, { columns, rows }: Size): Line[] {
  const head = headLines(state, status);
  const room = rows - 1 - head.length;
  if (rows < rowsMin) {
    return head;
  }
  const workers = workerLines(status).slice(0, Math.max(0, Math.floor(room / 3)));
  const rest = room - workers.length;
  // The log has a third where there is room for all three, and what the rules do not need.
  const spare = rest - state.rules().length - ruleLinesBeside;
  const logRoom = Math.max(rest >= 12 ? Math.floor(rest / 3) : 0, spare >= 3 ? spare : 0);
  const log = logLines(status, logRoom);
  return [...head, ...ruleLines(state, columns, rest - log.length), ...workers, ...log];
}

function headLines({ trouble }: TopState, now: Status): Line[] {
  const outputs = now.rules.flatMap((rule) => rule.outputs);
  const sum = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((all, each) => all + of(each), 0);
  const flow = (items: readonly { datagrams_per_second: number; bits_per_second: number }[]) =>
    `${rate(sum(items, (each) => each.datagrams_per_second))} ${bits(sum(items, (each) => each.bits_per_second))}`;
  const { frames, latency_minute: latency } = now;
  const refused = sum(Object.values(frames.refusals), (each) => each);
  const waiting = sum(now.rules, waitingOutputs);
  const outputsPending = waiting === 0 ? "" : `, ${count(waiting)} outputs pending`;
  const title = `mcr-appliance ${now.program_version}  up ${duration(now.uptime_seconds)}  ${summaryOf(now.rules)}${outputsPending}`;
  const times = latency === undefined || latency.samples === 0 ? "" : `latency ${renderLatency(latency)}`;
  return [
    { text: trouble === undefined ? title : `${title}  (old: ${trouble})`, isBold: true },
    { text: `in ${flow(now.rules)}   out ${flow(outputs)}   ${times}` },
    {
      text: `frames ${count(frames.received)}  no rule ${count(frames.no_match)}  refused ${count(refused)}  kernel drops ${count(frames.kernel_drops)}`,
    },
  ];
}

function waitingOutputs({ outputs }: RuleStatus): number {
  return outputs.filter((output) => output.pending !== undefined).length;
}

function ruleLines(state: TopState, columns: number, room: number): Line[] {
  const rules = state.rules();
  const fixed = rateWidth * 2 + bitsWidth + lostWidth + 5;
  const nameWidth = Math.max(8, Math.min(30, Math.floor((columns - fixed) / 2)));
  const flowWidth = columns >= 110 ? 28 : 0;
  const sparkWidth = Math.max(0, Math.min(60, columns - fixed - nameWidth - flowWidth - (flowWidth > 0 ? 1 : 0)));
  const row = (name: string, flow: string, cells: readonly string[], spark: string): string =>
    [
      pad(name, nameWidth),
      ...(flowWidth > 0 ? [pad(flow, flowWidth)] : []),
      ...cells.map((cell, at) => cell.padStart([rateWidth, rateWidth, bitsWidth, lostWidth][at] ?? 0)),
      spark,
    ].join(" ");
  const head = row("RULE", "INPUT", ["IN", "OUT", "OUT BITS", "LOST"], "LAST MINUTE".slice(0, sparkWidth));
  const shown = Math.max(0, room - ruleLinesBeside);
  const first = Math.min(state.scroll, Math.max(0, rules.length - shown));
  const lines = rules.slice(first, first + shown).map((rule) => {
    const { sent, volume } = outOf(rule);
    const cells = [rate(rule.datagrams_per_second), rate(sent), bits(volume), count(lostOf(rule))];
    const isWaiting = rule.state === "pending" || waitingOutputs(rule) > 0;
    const mark = isWaiting ? "! " : rule.state === "disabled" ? "- " : "";
    return {
      text: row(mark + nameOf(rule), describeInput(rule), cells, sparkline(state.history.of(rule.rule_id), sparkWidth)),
    };
  });
  const hidden = rules.length - first - lines.length;
  const more = hidden > 0 || first > 0 ? `${count(first)} above, ${count(hidden)} below` : "";
  return [{ text: head, isBold: true }, ...lines, { text: rules.length === 0 ? "no rules" : more }];
}

function outOf({ outputs }: RuleStatus): { sent: number; volume: number } {
  return {
    sent: outputs.reduce((sum, each) => sum + each.datagrams_per_second, 0),
    volume: outputs.reduce((sum, each) => sum + each.bits_per_second, 0),
  };
}

function workerLines({ workers }: Status): Line[] {
  const head = `${"WORKER".padStart(6)} ${"PID".padStart(8)} ${"CPU".padStart(6)} ${"P99".padStart(8)} ${"QUEUE MAX".padStart(10)} ${"RESTARTS".padStart(8)}  STATE`;
  const rows = workers.map((worker, index) => {
    const { latency_minute: latency } = worker;
    const p99 = latency !== undefined && latency.samples > 0 ? micros(latency.p99_us) : "-";
    const state = worker.reason === undefined ? worker.state : `${worker.state}: ${worker.reason}`;
    return {
      text: `${String(index).padStart(6)} ${String(worker.pid || "-").padStart(8)} ${percent(worker.cpu_share ?? 0).padStart(6)} ${p99.padStart(8)} ${count(worker.queue.length_max).padStart(10)} ${count(worker.restarts).padStart(8)}  ${state}`,
    };
  });
  return [{ text: head, isBold: true }, ...rows];
}

function logLines({ log_tail: tail }: Status, room: number): Line[] {
  if (room < 2) {
    return [];
  }
  const lines = (tail ?? []).slice(-(room - 1));
  // The newest lines are of today: the clock alone leaves room for what they say.
  const clock = (text: string) => text.replace(/^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\.\d+Z/, "$1");
  return [{ text: "LOG", isBold: true }, ...lines.map((text) => ({ text: clock(text) }))];
}

function foot({ order, isReversed, filter, isFiltering }: TopState): string {
  if (isFiltering) {
    return `filter: ${filter}_   Enter keeps it, Esc clears it`;
  }
  const filtered = filter === "" ? "" : ` (${filter}, Esc clears)`;
  return `q quit  s sort: ${order}  r reverse${isReversed ? "d" : ""}  / filter${filtered}  arrows scroll`;
}

function pad(text: string, width: number): string {
  const cut = fit(text, width);
  return cut + " ".repeat(Math.max(0, width - Bun.stringWidth(cut)));
}

/** Cut to `width` cells, with an ellipsis where something is missing; safe for a terminal. */
export function fit(text: string, width: number): string {
  const safe = printable(text);
  if (Bun.stringWidth(safe) <= width) {
    return safe;
  }
  let cut = "";
  for (const character of safe) {
    if (Bun.stringWidth(cut + character) > width - 1) {
      break;
    }
    cut += character;
  }
  return width > 0 ? `${cut}…` : "";
}
