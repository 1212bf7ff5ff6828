// What a process or thread says of itself to the kernel, and the bounds it puts on itself.
import { map, text } from "./memory.ts";
import { systemCall } from "./system-call.ts";

/** O_NONBLOCK, asm-generic/fcntl.h. */
const nonblocking = 0o4000;
const getFlags = 3;
const setFlags = 4;

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

/** Soft and hard limit become `value`; raising the hard one takes CAP_SYS_RESOURCE. setrlimit(2). 0 or -errno. */
export function limitResource(resource: Resource, value: number): number {
  const memory = map(16);
  try {
    memory.u32.set([value % half, Math.floor(value / half), value % half, Math.floor(value / half)]);
    return systemCall("prlimit64", 0, resources[resource], memory.pointer, 0);
  } finally {
    memory.close();
  }
}

/** Raises the soft limit of open files to the hard one; returns it, or -errno. */
export function filesMax(): number {
  const memory = map(16);
  try {
    const read = systemCall("prlimit64", 0, resources.files, 0, memory.pointer);
    if (read < 0) {
      return read;
    }
    const hard = Math.min(memory.u32[3] === 0 ? (memory.u32[2] ?? 0) : filesWanted, filesWanted);
    return limitResource("files", hard) < 0 ? read : hard;
  } finally {
    memory.close();
  }
}
