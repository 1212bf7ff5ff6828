// Capabilities by name: what a thread holds, and what programs that it starts will not; capabilities(7), linux/capability.h.
import { readFileSync } from "node:fs";
import { map } from "./memory.ts";
import { systemCall } from "./system-call.ts";

const bits = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_NICE: 23,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof bits;

/** The kernel's word for a set has 64 bits. */
const capabilityMax = 63;

function maskOf(capabilities: readonly Capability[]): bigint {
  return capabilities.reduce((mask, name) => mask | (1n << BigInt(bits[name])), 0n);
}

/** Whether the calling process may use a right, or could pass one on to a program, that is not among `capabilities`. */
export function hasMoreThan(capabilities: readonly Capability[]): boolean {
  const status = readFileSync("/proc/self/status", "utf8");
  const held = ["CapPrm", "CapEff", "CapAmb"].map((set) => {
    return BigInt(`0x${new RegExp(`^${set}:\\s+([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0"}`);
  });
  return held.some((mask) => (mask & ~maskOf(capabilities)) !== 0n);
}

const prctlOptions = { boundingDrop: 24, ambient: 47 } as const;
const ambientCommands = { raise: 2, lower: 3, clearAll: 4 } as const;
/** _LINUX_CAPABILITY_VERSION_3: two words a set, in the order effective, permitted, inheritable. */
const capabilityVersion = 0x20080522;

/**
 * A program that this thread becomes by execve has no right beyond `capabilities`, in any of its threads: all others leave the
 * ambient set, and the bounding set as far as we have CAP_SETPCAP (without it we are not root, and the ambient set decides).
 */
export function boundNextProgram(capabilities: readonly Capability[]): void {
  const kept = maskOf(capabilities);
  for (let bit = 0; bit <= capabilityMax; bit++) {
    if ((kept & (1n << BigInt(bit))) === 0n) {
      systemCall("prctl", prctlOptions.ambient, ambientCommands.lower, bit, 0, 0);
      systemCall("prctl", prctlOptions.boundingDrop, bit, 0, 0, 0);
    }
  }
}

/** Programs that this thread starts as an ordinary user get no right of ours. */
export function clearAmbient(): void {
  systemCall("prctl", prctlOptions.ambient, ambientCommands.clearAll, 0, 0, 0);
}

/**
 * A program that this thread starts or becomes as an ordinary user has the rights that we have: what is permitted is made inheritable
 * and ambient. Root needs nothing, and a program with capabilities of its own gets those, as far as we have them.
 */
export function raiseAmbient(): void {
  const sets = map(8 + 2 * 12);
  sets.u32[0] = capabilityVersion;
  if (systemCall("capget", sets.pointer, sets.at(8)) === 0) {
    for (const effective of [2, 5]) {
      const [permitted, inheritable] = [effective + 1, effective + 2];
      sets.u32[inheritable] = (sets.u32[inheritable] ?? 0) | (sets.u32[permitted] ?? 0);
    }
    systemCall("capset", sets.pointer, sets.at(8));
  }
  sets.close();
  for (let bit = 0; bit <= capabilityMax; bit++) {
    systemCall("prctl", prctlOptions.ambient, ambientCommands.raise, bit, 0, 0);
  }
}
