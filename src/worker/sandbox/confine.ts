// What a worker gives up before its first frame, in the one order in which each step still has the right it needs: the file
// system, ids and capabilities, resources, and last most of the kernel. None of it can be taken back.
import { limits } from "../../limits.ts";
import { errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import { type Mapped, map, text } from "../../shim/memory.ts";
import { limitResource } from "../../shim/process.ts";
import type { RingKind } from "../../shim/ring.ts";
import { systemCall } from "../../shim/system-call.ts";
import { ownArchitecture } from "../../shim/system-call-numbers.ts";
import { permissions } from "./calls.ts";
import { filterOf, type Instruction } from "./filter.ts";

/** How a worker is to be confined. */
export type Confinement = {
  /** Whom it becomes, when it was started by root. */
  uid: number;
  gid: number;
  /** A directory that no longer exists, for the root of its file system; undefined: it keeps the one it has. */
  emptyRoot: number | undefined;
  /** How its threads wait and send. */
  rings: readonly RingKind[];
  /** Where the number of a refused call is left, a double; another place may be named later. */
  refusedCallAt: Mapped["pointer"];
};

/** What could not be done, and whether a worker may live without it. */
export type Shortfall = { isFatal: boolean; text: string };

/** Confines the process with all threads it has and will have. Every thread must have opened what it needs. */
export function confine(plan: Confinement): Shortfall[] {
  const isRoot = process.geteuid?.() === 0;
  return [
    ...leaveFileSystem(plan.emptyRoot),
    ...refusal("privileges could not be dropped", shim.mcr_drop(plan.uid, plan.gid), true),
    ...limitResources(isRoot),
    ...refusal("refused calls will not be named", shim.mcr_refused_note(plan.refusedCallAt)),
    ...closeKernel(plan.rings),
  ];
}

function refusal(what: string, result: number, isFatal = false): Shortfall[] {
  return result < 0 ? [{ isFatal, text: `${what}: ${errnoName(result)}` }] : [];
}

/** Threads share their root, so this holds for those of the runtime as well; a mount namespace would hold for the caller alone. */
function leaveFileSystem(emptyRoot: number | undefined): Shortfall[] {
  if (emptyRoot === undefined) {
    return [];
  }
  const entered = systemCall("fchdir", emptyRoot);
  const result = entered < 0 ? entered : systemCall("chroot", text("."));
  shim.mcr_close(emptyRoot);
  return refusal("the file system stays in view", result);
}

function limitResources(isRoot: boolean): Shortfall[] {
  const results = [
    limitResource("core", 0),
    limitResource("fileSize", 0),
    limitResource("queueBytes", 0),
    // Counted over all processes of a user: one that is somebody's own already has others.
    isRoot ? limitResource("processes", limits.workerUserThreadsMax) : 0,
  ];
  return results.flatMap((result) => refusal("a resource could not be limited", result));
}

const setModeFilter = 1;
// TSYNC: for all threads, which it also makes unable to gain privileges. SPEC_ALLOW: kernels before 5.16 would make filtered
// processes pay for speculation barriers, and no foreign code shares this one.
const flags = { threads: 1, speculation: 4 } as const;

/** seccomp(2). Without CONFIG_SECCOMP_FILTER the kernel stays open, and that is said. */
function closeKernel(rings: readonly RingKind[]): Shortfall[] {
  const architecture = ownArchitecture();
  if (architecture === undefined) {
    return [{ isFatal: false, text: `no filter of system calls is known for ${process.arch}` }];
  }
  const program = filterOf(permissions(process.pid, rings), architecture);
  const memory = imageOf(program);
  const result = systemCall("seccomp", setModeFilter, flags.threads + flags.speculation, memory.pointer);
  memory.close();
  return result > 0
    ? [{ isFatal: true, text: `thread ${result} could not take the filter of system calls` }]
    : refusal("no filter of system calls", result);
}

/** struct sock_fprog, and behind it the instructions it points to. */
function imageOf(program: readonly Instruction[]): Mapped {
  const memory = map(16 + 8 * program.length);
  const at = memory.pointer + 16;
  memory.u16[0] = program.length;
  memory.u32.set([at % 2 ** 32, Math.floor(at / 2 ** 32)], 2);
  for (const [index, { code, ifTrue, ifFalse, k }] of program.entries()) {
    memory.u32.set([code | (ifTrue << 16) | (ifFalse << 24), k], 4 + 2 * index);
  }
  return memory;
}
