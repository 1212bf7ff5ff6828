// How much processor time a process has taken. proc_pid_stat(5).
import { readFileSync } from "node:fs";
import { reasonOf } from "../../base/outcome.ts";

/** USER_HZ, in which /proc counts on every architecture that Bun runs on. */
const ticksPerSecond = 100;
/** utime and stime, counted from the field behind the name. */
const [userAt, systemAt] = [11, 12];

/** Seconds of all threads of process `pid` so far; 0 when it is gone. */
export function cpuSeconds(pid: number): number {
  return ticksOf(readStat(pid)) / ticksPerSecond;
}

/** Ticks in user and kernel mode. The name, in parentheses, may hold anything, parentheses too. */
export function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[userAt] ?? 0) + Number(fields[systemAt] ?? 0);
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (thrown) {
    // Gone between two looks; what it took is not known any more.
    return reasonOf(thrown).slice(0, 0);
  }
}
