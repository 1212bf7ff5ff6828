// What a relay holds of the system: processes, descriptors by kind, memory.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { World } from "./world.ts";

/** Descriptors of one process by kind, e.g. { "socket:": 6 }. */
export type Descriptors = Record<string, number>;

/** What the supervisor and each other process in its namespace hold; order and pids do not matter. */
export type Held = { supervisor: Descriptors; children: Descriptors[] };

/** As it stands. A process or a descriptor that goes while this looks is not there. */
export function held({ relay, reader, lab }: World): Held {
  const children = lab.pids("relay").filter((pid) => pid !== relay.pid && pid !== reader.pid);
  const sorted = children.map(descriptorsOf).sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  return { supervisor: descriptorsOf(relay.pid), children: sorted };
}

/** All descriptors of all processes. */
export function descriptorCount({ supervisor, children }: Held): number {
  return [supervisor, ...children].flatMap((each) => Object.values(each)).reduce((sum, each) => sum + each, 0);
}

/** Resident kilobytes of a process; 0 when it is gone. */
export function residentKiB(pid: number): number {
  const text = ifThere(() => readFileSync(`/proc/${pid}/status`, "utf8")) ?? "";
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}

function descriptorsOf(pid: number): Descriptors {
  const names = ifThere(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const kinds = names.flatMap((name) => ifThere(() => readlinkSync(`/proc/${pid}/fd/${name}`)) ?? []);
  const groups = Map.groupBy(kinds, (kind) => kind.replace(/:\[\d+\]|-?\d+/g, ""));
  return Object.fromEntries([...groups].map(([kind, all]) => [kind, all.length] as const).sort());
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}
