// status: the whole on one screen.
import type { Status } from "../control/status.ts";
import { askAndShow } from "./answer.ts";
import { summaryOf } from "./list.ts";
import { renderFrames } from "./stats-table.ts";
import { table } from "./table.ts";
import { bits, bytes, count, duration, rate } from "./units.ts";
import type { Verb } from "./verb.ts";

export const status: Verb = {
  name: "status",
  chapter: "Watch",
  summary: "show the state of the whole relay",
  usesSocket: true,
  options: {},
  examples: [
    { line: "mcr-appliance status", does: "one screen" },
    { line: "mcr-appliance status --json", does: "every number there is" },
  ],
  run: (_given, world) => askAndShow(world, "GetStatus", "Status", renderStatus),
};

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Everything at a glance: workers, links, rules and what was lost, as text for a terminal. */
export function renderStatus(now: Status): string {
  const running = now.workers.filter((worker) => worker.state === "running").length;
  const memory = now.supervisor.rss_bytes + sum(now.workers, (worker) => worker.rss_bytes);
  const outputs = now.rules.flatMap((rule) => rule.outputs);
  const side = (items: readonly { datagrams_per_second: number; bits_per_second: number }[]) =>
    `${rate(sum(items, (item) => item.datagrams_per_second))}, ${bits(sum(items, (item) => item.bits_per_second))}`;
  const columns = [
    { head: "LINK" },
    { head: "STATE" },
    { head: "ADDRESS" },
    { head: "GROUPS", align: "right" },
    { head: "INPUTS", align: "right" },
    { head: "OUTPUTS", align: "right" },
    { head: "KERNEL DROPS", align: "right" },
    { head: "REPORTED AGAIN" },
  ] as const;
  const links = now.links.map((link) => [
    link.name,
    link.state,
    link.address ?? "-",
    count(link.memberships),
    count(link.inputs),
    count(link.outputs),
    count(link.kernel_drops),
    rejoinOf(link),
  ]);
  const io = now.io === undefined ? "" : `, ${now.io.kind}`;
  return [
    `mcr-appliance ${now.program_version}${now.role === "standby" ? ", standby" : ""}, up ${duration(now.uptime_seconds)}, pid ${now.supervisor.pid}`,
    `rules:   ${summaryOf(now.rules)}`,
    `workers: ${running} of ${now.workers.length} running, pipeline ${now.pipeline}${io}, RSS of all ${bytes(memory)}`,
    `in:      ${side(now.rules)}`,
    `out:     ${side(outputs)}`,
    ...(now.io?.reason === undefined ? [] : [`io:      ${now.io.reason}`]),
    ...(now.ending?.reason === undefined ? [] : [`ending:  ${now.ending.reason}`]),
    renderFrames(now.frames),
    ...(links.length === 0 ? [] : ["", table(columns, links)]),
  ].join("\n");
}

/** `12, 3 s ago`, and why it fails. */
function rejoinOf({ rejoin }: Status["links"][number]): string {
  const age = rejoin?.last_seconds === undefined ? "" : `, ${duration(rejoin.last_seconds)} ago`;
  const problem = rejoin?.problem === undefined ? "" : `, fails: ${rejoin.problem}`;
  return rejoin === undefined ? "-" : `${count(rejoin.reports)}${age}${problem}`;
}
