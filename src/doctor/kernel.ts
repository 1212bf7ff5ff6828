// The kernel's version: what is too old, and what a newer one would add.
import type { Machine } from "./machine.ts";
import { fine, type Verdict } from "./verdict.ts";

const id = "kernel";
/** Older ones were never thought of. */
const oldest = [5, 10] as const;

/** What newer kernels add, by the version that brought it; ARCHITECTURE.md, "What of the kernel". */
const gifts: readonly (readonly [major: number, minor: number, gift: string])[] = [
  [5, 13, "io_uring as workers use it (5.13)"],
  [6, 1, "fewer wakeups (6.1)"],
  [6, 2, "a capture that never sees what this host sends (6.2)"],
  [6, 6, "programs at tc ingress beside those of others (6.6)"],
  [6, 12, "sends gathered under load (6.12)"],
];

/** As uname(2) has it, e.g. `6.1.0-18-amd64`. */
export function releaseOf(machine: Machine): string {
  return machine.text("/proc/sys/kernel/osrelease") ?? "unknown";
}

/** Whether a release is from before `major.minor`; what is no version is not. */
export function isOlder(release: string, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release);
  const [ownMajor, ownMinor] = [Number(match?.[1]), Number(match?.[2])];
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** What of the relay this kernel carries. */
export function judgeKernel({ release }: { release: string }): Verdict[] {
  if (!/^\d+\.\d+/.test(release)) {
    return [{ id, severity: "note", what: `The kernel calls itself ${release}, which is no version of Linux.` }];
  }
  if (isOlder(release, ...oldest)) {
    return [
      {
        id,
        severity: "warning",
        what: `Linux ${release} is older than anything this program was made for (${oldest.join(".")}).`,
        why: "It may refuse to start, or miss features without which it is slow.",
        advice: "Install a newer kernel and boot it.",
      },
    ];
  }
  const missing = gifts.filter(([major, minor]) => isOlder(release, major, minor)).map(([, , gift]) => gift);
  return missing.length === 0
    ? [fine(id, `Linux ${release}`)]
    : [{ id, severity: "note", what: `Linux ${release} works. Newer kernels add: ${missing.join(", ")}.` }];
}
