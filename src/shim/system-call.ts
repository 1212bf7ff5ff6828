// System calls that take nothing but numbers and addresses of mapped memory, by name: a wrapper in C could add nothing.
// What needs a struct built, a loop or an ancillary message stays in cshim/.
import { assert } from "../base/assert.ts";
import { shim } from "./library.ts";

type Architecture = "x64" | "arm64";

/** arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const numbers = {
  adjtimex: { x64: 159, arm64: 171 },
  bpf: { x64: 321, arm64: 280 },
  epoll_create1: { x64: 291, arm64: 20 },
  epoll_ctl: { x64: 233, arm64: 21 },
  epoll_pwait: { x64: 281, arm64: 22 },
  getsockopt: { x64: 55, arm64: 209 },
  getxattr: { x64: 191, arm64: 8 },
  ioctl: { x64: 16, arm64: 29 },
  ppoll: { x64: 271, arm64: 73 },
  prctl: { x64: 157, arm64: 167 },
} as const satisfies Record<string, Record<Architecture, number>>;

/** A system call this program makes by number. */
export type SystemCall = keyof typeof numbers;

/**
 * The call's result, or -errno. Addresses are numbers (`Mapped.pointer`, `Mapped.at`), and memory behind them belongs to
 * C (DESIGN.md 6: never a small typed array of JavaScript).
 */
export function systemCall(name: SystemCall, ...given: readonly number[]): number {
  const number = numbers[name][process.arch as Architecture];
  assert(number !== undefined, `system calls of ${process.arch} are not known to this program`);
  assert(given.length <= 5, "a system call takes at most five arguments here");
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = given;
  return shim.mcr_call(number, a, b, c, d, e);
}

/**
 * No program that this thread starts can gain a right by it: PR_SET_NO_NEW_PRIVS, prctl(2). Each thread has this flag for
 * itself, and a worker drops its rights when it already has threads of the runtime: only what it is born with holds for
 * all of them.
 */
export function privilegesFinal(): void {
  const setNoNewPrivileges = 38;
  systemCall("prctl", setNoNewPrivileges, 1);
}
