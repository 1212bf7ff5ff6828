// How much memory a process takes, as the kernel accounts for it. proc_pid_smaps(5), kernel Documentation/filesystems/proc.rst.
import { readFileSync } from "node:fs";
import { codeOf } from "../../base/outcome.ts";

/** Bytes. `private`: what would be free if this process alone ended. */
export type MemoryUse = { resident: number; private: number };

/** The kernel walks all pages of a process to say it, a millisecond and more: who asks often is told the same for so long. */
const keptMs = 500;
const kept = new Map<number, { atMs: number; use: MemoryUse }>();

/** Of process `pid`, at most half a second old; zeros when it is gone or may not be looked at. */
export function memoryUse(pid: number): MemoryUse {
  const nowMs = performance.now();
  const known = kept.get(pid);
  if (known !== undefined && nowMs - known.atMs < keptMs) {
    return known.use;
  }
  for (const [each, { atMs }] of kept) {
    if (nowMs - atMs >= keptMs) {
      kept.delete(each);
    }
  }
  const use = readUse(pid);
  kept.set(pid, { atMs: nowMs, use });
  return use;
}

function readUse(pid: number): MemoryUse {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch (thrown) {
    // Gone meanwhile, or a supervisor that is not root looking at a process of another user.
    return codeOf(thrown) === undefined ? { resident: 0, private: 0 } : { resident: residentOf(pid), private: 0 };
  }
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  return { resident: kib("Rss") * 1024, private: (kib("Private_Clean") + kib("Private_Dirty")) * 1024 };
}

function residentOf(pid: number): number {
  try {
    const [, pages] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return Number(pages ?? 0) * 4096;
  } catch (thrown) {
    return codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ESRCH" ? 0 : Number.NaN;
  }
}
