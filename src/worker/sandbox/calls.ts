// The system calls that a worker's loops and the runtime under them make once it is born, found with strace under load,
// garbage collection, compilation, thread start, log lines and shutdown. Everything else ends the worker. Pure.
import { type Libc, programLibc } from "../../base/version.ts";
import { errno } from "../../shim/errno.ts";
import { type RingKind, ringCalls } from "../../shim/ring.ts";

/** What an argument must be: its lower 32 bits under `mask`, or with `isWhole` all 64 bits, equal `equals`. */
export type Check = { argument: number; equals: number; mask?: number; isWhole?: boolean };

/**
 * One call. Without `checks` and `refusal` it passes. With `checks` it passes if all hold. What does not pass is answered with
 * the error number `refusal`, or ends the worker where there is none.
 */
export type Permission = { call: string; checks?: readonly Check[]; refusal?: number; isRefused?: boolean };

// Called for every batch, so these and the rings' own come first: kernels before 5.11 run the filter's instructions in order for
// each call; later ones know the calls that always pass by a bitmap.
const hot = ["futex", "recvfrom", "recvmsg", "write", "read", "clock_gettime", "madvise", "close"];

/** Memory, threads and time: the collector, the compiler and libc. New capture rings are mapped, old ones unmapped. */
const runtime = [
  ...["mmap", "munmap", "mprotect", "mremap", "brk", "membarrier", "getrandom"],
  ...["sched_yield", "nanosleep", "clock_nanosleep", "clock_getres", "gettimeofday", "time", "restart_syscall"],
  ...["gettid", "getpid", "getcpu", "getrusage", "sysinfo", "sched_getaffinity", "set_robust_list", "rseq"],
  ...["rt_sigreturn", "rt_sigprocmask", "sigaltstack", "exit", "exit_group"],
];

// linux/sched.h: CLONE_VM, CLONE_SIGHAND and CLONE_THREAD make a thread; CLONE_NEW… would make namespaces.
const threadFlags = 0x0001_0900;
const namespaceFlags = 0x7e02_0000;
const setName = 15;

/** What musl calls where glibc has a younger call. */
const muslCalls: readonly Permission[] = [
  { call: "open", isRefused: true, refusal: errno.EACCES },
  { call: "fstat" },
  { call: "stat", isRefused: true, refusal: errno.EACCES },
];

/**
 * Everything that a worker of process id `pid`, whose threads have these rings, may call; in the order in which a filter asks.
 * musl needs a little more than glibc.
 */
export function permissions(pid: number, rings: readonly RingKind[], libc: Libc = programLibc): Permission[] {
  const calls = new Set([...rings.flatMap((kind) => [...ringCalls[kind]]), ...hot, ...runtime]);
  const always = [...calls].map((call) => ({ call }));
  return [
    ...always,
    // To whom a socket is connected, never to an address of the caller's choice.
    { call: "sendto", checks: [{ argument: 4, equals: 0, isWhole: true }] },
    // The collector stops threads by signals: ours alone.
    { call: "tgkill", checks: [{ argument: 0, equals: pid }] },
    { call: "clone", checks: [{ argument: 0, mask: threadFlags | namespaceFlags, equals: threadFlags }] },
    // Its flags lie in memory, where a filter cannot look. libc then takes clone.
    { call: "clone3", isRefused: true, refusal: errno.ENOSYS },
    { call: "prctl", checks: [{ argument: 0, equals: setName }], refusal: errno.EPERM },
    {
      call: "prlimit64",
      checks: [
        { argument: 0, equals: 0 },
        { argument: 2, equals: 0, isWhole: true },
      ],
    },
    // The collector looks for its footprint in /proc/self/statm, and does without.
    { call: "openat", isRefused: true, refusal: errno.EACCES },
    { call: "newfstatat", isRefused: true, refusal: errno.EACCES },
    ...(libc === "musl" ? muslCalls : []),
  ];
}
