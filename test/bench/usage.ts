// What processes and the machine have used, from /proc.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** The C library's clock ticks per second, as /proc counts (proc(5)); 100 on every Linux of today. */
const ticksPerSecond = 100;

/** CPU time in nanoseconds, as the scheduler counts it. */
export type CpuTime = { totalNs: number };

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // A thread may end between the look and the read.
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  }
}

function threads(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`);
}

/** A process and all its descendants. */
export function familyOf(pid: number): number[] {
  const children = threads(pid).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

/** What all threads of the processes have used so far. Softirqs that ran on top of a thread count as that thread's. */
export function cpuTime(pids: readonly number[]): CpuTime {
  const used = { totalNs: 0 };
  for (const pid of pids) {
    for (const thread of threads(pid))
      used.totalNs += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0]);
  }
  return used;
}

/** `later - earlier`. */
export function cpuBetween(earlier: CpuTime, later: CpuTime): CpuTime {
  return { totalNs: later.totalNs - earlier.totalNs };
}

/** Bytes: resident, and in proportion where pages are shared with other processes. */
export function memory(pids: readonly number[]): { rssBytes: number; pssBytes: number } {
  const sum = { rssBytes: 0, pssBytes: 0 };
  for (const pid of pids) {
    const rollup = read(`/proc/${pid}/smaps_rollup`);
    sum.rssBytes += 1024 * Number(/^Rss: +(\d+)/m.exec(rollup)?.[1] ?? 0);
    sum.pssBytes += 1024 * Number(/^Pss: +(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return sum;
}

/** nice(1) ends here. */
const niceMax = 19;

/**
 * Gives the processes a priority, as nice(1) counts. Threads that put themselves before others of their program stay before
 * them by as much: that is part of what is measured.
 */
export function prioritise(pids: readonly number[], nice: number): void {
  if (nice === 0) return;
  const all = pids.flatMap(threads).map((thread) => ({ thread: Number(thread), own: getPriority(Number(thread)) }));
  const first = Math.min(...all.map(({ own }) => own));
  for (const { thread, own } of all) setPriority(thread, Math.min(niceMax, nice + own - first));
}

/** Nanoseconds that all CPUs have worked since boot, whoever for. */
export function machineBusyNs(): number {
  const [user, nice, system, , , irq, softirq] = (/^cpu +(.*)$/m.exec(read("/proc/stat"))?.[1] ?? "")
    .split(" ")
    .map(Number);
  const ticks = [user, nice, system, irq, softirq].reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return (ticks * 1e9) / ticksPerSecond;
}

/** The kernel threads that take over softirqs under load: work of what is measured, too. */
export function softirqThreads(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/comm`).startsWith("ksoftirqd/"))
    .map(Number);
}

/** Its session's priority against other sessions', sched(7): where it exists, a thread's own counts within its session alone. */
const sessionPriority = "/proc/self/autogroup";

/** Gives this session a priority, as nice(1) counts, and returns what takes it back. */
export function preferSession(nice: number): () => void {
  if (nice === 0 || !existsSync(sessionPriority)) return () => undefined;
  const before = / nice (-?\d+)/.exec(read(sessionPriority))?.[1] ?? "0";
  writeFileSync(sessionPriority, String(nice));
  return () => writeFileSync(sessionPriority, before);
}
