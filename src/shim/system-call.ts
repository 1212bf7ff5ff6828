// System calls that take nothing but numbers and addresses of mapped memory, by name: a wrapper in C could add nothing.
// What needs a struct built, a loop or an ancillary message stays in cshim/.
import { assert } from "../base/assert.ts";
import { shim } from "./library.ts";
import { ownArchitecture, systemCallNumber } from "./system-call-numbers.ts";

// Once: loops call this, and a getter and a text for each call would cost more than the call.
const architecture = ownArchitecture();
const unknownArchitecture = `system calls of ${process.arch} are not known to this program`;

/** A system call this program makes by number. */
export type SystemCall =
  | "adjtimex"
  | "bind"
  | "bpf"
  | "capget"
  | "capset"
  | "chroot"
  | "connect"
  | "epoll_create1"
  | "epoll_ctl"
  | "epoll_pwait"
  | "execve"
  | "fchdir"
  | "fcntl"
  | "getsockname"
  | "getsockopt"
  | "getxattr"
  | "io_uring_register"
  | "ioctl"
  | "listen"
  | "ppoll"
  | "prctl"
  | "prlimit64"
  | "rt_sigaction"
  | "seccomp"
  | "setsockopt"
  | "unshare"
  | "wait4";

/**
 * The call's result, or -errno. Addresses are numbers (`Mapped.pointer`, `Mapped.at`), and memory behind them belongs to
 * C (DESIGN.md 6: never a small typed array of JavaScript).
 */
export function systemCall(name: SystemCall, a = 0, b = 0, c = 0, d = 0, e = 0): number {
  const number = architecture === undefined ? undefined : systemCallNumber(name, architecture);
  assert(number !== undefined, unknownArchitecture);
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
