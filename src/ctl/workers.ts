// workers: the processes, where they run, what they weigh and how busy they are.
import type { Status } from "../control/status.ts";
import { askAndShow } from "./answer.ts";
import { table } from "./table.ts";
import { bytes, count } from "./units.ts";
import type { Verb } from "./verb.ts";

export const workers: Verb = {
  name: "workers",
  aliases: ["list-workers"],
  chapter: "Watch",
  summary: "show the worker processes",
  details: [
    "PRIVATE is memory that no other process shares. QUEUE is now/most/room, in datagrams. WAKEUPS is written/avoided. " +
      "HEARTBEAT is how long ago it had answered all it was asked; STALLS, how often it was alive but stuck; REPAIRS, how often " +
      "its rules were not the ones it should have. With --json the reply is as mcrctl prints it; 'status --json' has everything.",
  ],
  usesSocket: true,
  options: {},
  examples: [{ line: "mcr-appliance workers", does: "a table" }],
  run: (_given, world) =>
    world.json
      ? askAndShow(world, "ListWorkers", "Workers", () => "")
      : askAndShow(world, "GetStatus", "Status", renderWorkers),
};

/** The workers as a table, memory in binary units. */
export function renderWorkers(status: Status): string {
  const columns = [
    { head: "PID", align: "right" },
    { head: "CORE", align: "right" },
    { head: "STATE" },
    { head: "IO" },
    { head: "RSS", align: "right" },
    { head: "PRIVATE", align: "right" },
    { head: "RINGS", align: "right" },
    { head: "QUEUE", align: "right" },
    { head: "FRAMES", align: "right" },
    { head: "MATCHED", align: "right" },
    { head: "KERNEL DROPS", align: "right" },
    { head: "WAKEUPS", align: "right" },
    { head: "HEARTBEAT", align: "right" },
    { head: "RESTARTS", align: "right" },
    { head: "STALLS", align: "right" },
    { head: "REPAIRS", align: "right" },
  ] as const;
  const rows = status.workers.map((worker) => [
    worker.pid === 0 ? "-" : String(worker.pid),
    String(worker.core),
    worker.reason === undefined ? worker.state : `${worker.state}: ${worker.reason}`,
    worker.io ?? "-",
    bytes(worker.rss_bytes),
    bytes(worker.private_bytes),
    bytes(worker.ring_bytes),
    `${count(worker.queue.length)}/${count(worker.queue.length_max)}/${count(worker.queue.capacity)}`,
    count(worker.frames.received),
    count(worker.frames.matched),
    count(worker.frames.kernel_drops),
    `${count(worker.wakeups_written)}/${count(worker.wakeups_avoided)}`,
    worker.heartbeat_seconds === undefined ? "-" : `${worker.heartbeat_seconds.toFixed(1)} s`,
    count(worker.restarts),
    count(worker.stalls ?? 0),
    count(worker.rule_repairs ?? 0),
  ]);
  const { pid, rss_bytes, private_bytes } = status.supervisor;
  const supervisor = `supervisor: pid ${pid}, RSS ${bytes(rss_bytes)}, private ${bytes(private_bytes)}`;
  return `${rows.length === 0 ? "no workers" : table(columns, rows)}\n\n${spareLine(status)}${supervisor}`;
}

function spareLine({ spare }: Status): string {
  if (spare === undefined) {
    return "";
  }
  const what = spare.is_ready ? "ready" : "being born";
  return `spare: pid ${spare.pid}, ${what}, RSS ${bytes(spare.rss_bytes)}, private ${bytes(spare.private_bytes)}\n`;
}
