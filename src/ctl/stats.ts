// stats: what arrived, what left, what did not, and why.
import type { FrameStatus, OutputStatus, RuleStatus, Status } from "../control/status.ts";
import { describeInput } from "../rules/key.ts";
import { askAndShow } from "./answer.ts";
import { describeOutput } from "./list.ts";
import { table } from "./table.ts";
import { bits, bytes, count, rate } from "./units.ts";
import type { Verb } from "./verb.ts";

export const stats: Verb = {
  kind: "verb",
  name: "stats",
  chapter: "Watch",
  summary: "show datagrams, bytes and rates of every rule",
  details: [
    "Rates are over the last second. FAILED: the kernel refused the send. DROPPED: given up before. With --json the reply " +
      "has one entry a flow, as mcrctl prints it; 'status --json' has everything.",
  ],
  usesSocket: true,
  options: {},
  examples: [
    { line: "mcr-appliance stats", does: "a table" },
    { line: "watch -n1 mcr-appliance stats", does: "the same, every second" },
  ],
  run: (_given, world) =>
    world.json
      ? askAndShow(world, "GetStats", "Stats", () => "")
      : askAndShow(world, "GetStatus", "Status", renderStats),
};

/** The table of rules and their outputs, then what became of the frames. */
export function renderStats(status: Status): string {
  const columns = [
    { head: "RULE" },
    { head: "FLOW" },
    { head: "DATAGRAMS", align: "right" },
    { head: "BYTES", align: "right" },
    { head: "RATE", align: "right" },
    { head: "BITS", align: "right" },
    { head: "FAILED", align: "right" },
    { head: "DROPPED", align: "right" },
    { head: "STATE" },
  ] as const;
  const rows = status.rules.flatMap((rule) => [inputRow(rule), ...rule.outputs.map(outputRow)]);
  const rules = rows.length === 0 ? "no rules" : table(columns, rows);
  return `${rules}\n\n${renderFrames(status.frames)}`;
}

function inputRow(rule: RuleStatus): string[] {
  const missed = (rule.missed ?? 0) > 0 ? `, ${count(rule.missed ?? 0)} arrived and were not taken` : "";
  const state = `${rule.state}${rule.reason === undefined ? "" : `: ${rule.reason}`}${missed}`;
  const volume = [
    count(rule.datagrams),
    bytes(rule.bytes),
    rate(rule.datagrams_per_second),
    bits(rule.bits_per_second),
  ];
  return [rule.name ?? rule.rule_id, describeInput(rule), ...volume, "", "", state];
}

function outputRow(output: OutputStatus): string[] {
  const volume = [
    count(output.datagrams_sent),
    bytes(output.bytes_sent),
    rate(output.datagrams_per_second),
    bits(output.bits_per_second),
    count(output.datagrams_failed),
    count(output.datagrams_dropped),
  ];
  const failures = Object.entries(output.failures ?? {}).map(([name, times]) => `${name} ${count(times)}`);
  const state = output.pending === undefined ? failures.join(", ") : `pending: ${output.pending}`;
  return ["", `-> ${describeOutput(output)}`, ...volume, state];
}

/** Every frame has one of these fates. */
export function renderFrames(frames: FrameStatus): string {
  const refusals = Object.entries(frames.refusals).filter(([, times]) => times > 0);
  const refused = refusals.map(([name, times]) => `${name} ${count(times)}`).join(", ");
  return [
    `frames: ${count(frames.received)} received, ${count(frames.matched)} matched, ${count(frames.no_match)} without a rule`,
    `lost:   ${count(frames.kernel_drops)} in the kernel (capture ring full), ${count(frames.queue_full)} queue full`,
    `refused: ${refused === "" ? "none" : refused}`,
  ].join("\n");
}
