// What a process or thread says of itself to the kernel, and the bounds it puts on itself.
import { map, text } from "./memory.ts";
import { systemCall } from "./system-call.ts";

/** O_NONBLOCK, asm-generic/fcntl.h. */
const nonblocking = 0o4000;
/** fcntl(2). */
const [setDescriptorFlags, getFlags, setFlags, duplicateClosing] = [2, 3, 4, 1030];

/** Reads and writes of `fd` wait no more. Whoever shares the open file with us shares this. 0 or -errno. */
export function nonblock(fd: number): number {
  const flags = systemCall("fcntl", fd, getFlags);
  return flags < 0 ? flags : systemCall("fcntl", fd, setFlags, flags | nonblocking);
}

const setName = 15;

/** The thread's name in ps and top: at most 15 bytes, prctl(2). */
export function nameThread(name: string): void {
  systemCall("prctl", setName, text(name));
}

const setTimerSlack = 29;

/**
 * Waits of the calling thread, and of threads that it makes from now on, end when they should and not up to 50 us later, so that
 * timers may be ended together (PR_SET_TIMERSLACK, prctl(2)). 0 or -errno.
 */
export function sharpenWaits(): number {
  return systemCall("prctl", setTimerSlack, 1);
}

/** RLIMIT_*, asm-generic/resource.h. */
const resources = { fileSize: 1, core: 4, processes: 6, files: 7, queueBytes: 12 } as const;

export type Resource = keyof typeof resources;

/** More than any kernel gives (fs.nr_open is 2^20 by default), and what it refuses to be asked for is not asked for. */
const filesWanted = 2 ** 20;
const half = 2 ** 32;

/**
 * Allows this process `most` of a resource and no more, soft and hard; where the hard limit is below that already, it stays, because
 * raising it takes CAP_SYS_RESOURCE. prlimit(2). 0 or -errno.
 */
export function limitResource(resource: Resource, most: number): number {
  const hard = hardLimit(resource);
  return hard < 0 ? hard : setLimits(resource, Math.min(most, hard));
}

/** Raises the soft limit of open files to the hard one; returns it, or -errno. */
export function filesMax(): number {
  const hard = Math.min(hardLimit("files"), filesWanted);
  const raised = hard < 0 ? hard : setLimits("files", hard);
  return raised < 0 ? raised : hard;
}

/** Infinity where there is none; -errno. */
function hardLimit(resource: Resource): number {
  const memory = map(16);
  try {
    const read = systemCall("prlimit64", 0, resources[resource], 0, memory.pointer);
    const [, , low = 0, high = 0] = memory.u32;
    const isEndless = low === half - 1 && high === half - 1;
    return read < 0 ? read : isEndless ? Number.POSITIVE_INFINITY : high * half + low;
  } finally {
    memory.close();
  }
}

function setLimits(resource: Resource, value: number): number {
  const memory = map(16);
  try {
    memory.u32.set([value % half, Math.floor(value / half), value % half, Math.floor(value / half)]);
    return systemCall("prlimit64", 0, resources[resource], memory.pointer, 0);
  } finally {
    memory.close();
  }
}

/** Whether `fd` stays open in a program that this process becomes. 0 or -errno. */
export function keepOnExec(fd: number, isKept: boolean): number {
  return systemCall("fcntl", fd, setDescriptorFlags, isKept ? 0 : 1);
}

/** Another descriptor for the same open file, closed on exec; or -errno. */
export function duplicate(fd: number): number {
  return systemCall("fcntl", fd, duplicateClosing, 3);
}

/** Signals by number, signal(7): the same on x86 and Arm. */
const signalNumbers = { SIGHUP: 1, SIGUSR2: 12 } as const;
/** struct sigaction of the kernel: handler, flags, restorer, mask, a word each. SIG_IGN is 1. */
const actionSize = 32;

/**
 * Ignores these signals from now on, also in a program that this process becomes, until that has a handler of its own. Returns what
 * brings back our handlers.
 */
export function ignoreSignals(names: readonly (keyof typeof signalNumbers)[]): () => void {
  const memory = map(actionSize * (1 + names.length));
  memory.u32[0] = 1;
  const each = (call: (number: number, before: number) => void) => {
    for (const [index, name] of names.entries()) {
      call(signalNumbers[name], memory.at(actionSize * (1 + index)));
    }
  };
  each((number, before) => systemCall("rt_sigaction", number, memory.pointer, before, 8));
  return () => {
    each((number, before) => systemCall("rt_sigaction", number, before, 0, 8));
    memory.close();
  };
}

const noHang = 1;

/** Buries a child if it has ended: `alive`, or `gone`. `stranger`: it is no child of ours. wait4(2). */
export function bury(pid: number): "alive" | "gone" | "stranger" {
  const result = pid > 0 ? systemCall("wait4", pid, 0, noHang, 0) : -1;
  return result === 0 ? "alive" : result === pid ? "gone" : "stranger";
}
