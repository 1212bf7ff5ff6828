// Before the supervisor is anything, it becomes itself anew, once: with an environment in which nothing steers the runtime,
// and without the rights it will not use. Capabilities belong to threads, and a runtime has threads before our code runs; only a
// new program has none that knew more.
import { basename } from "node:path";
import { boundNextProgram, type Capability, hasMoreThan } from "../../shim/capabilities.ts";
import { errnoName } from "../../shim/errno.ts";
import { execute } from "../../shim/execute.ts";
import { filesMax } from "../../shim/process.ts";
import { systemCall } from "../../shim/system-call.ts";

/** What a supervisor uses, each for what it says. appliance/OPERATING.md, Privileges. */
export const usedCapabilities: readonly Capability[] = [
  "CAP_NET_RAW", // capture sockets
  "CAP_NET_ADMIN", // large socket buffers, the program at tc ingress
  "CAP_BPF", // that program
  "CAP_NET_BIND_SERVICE", // --metrics below 1024
  "CAP_SETUID", // workers become another user,
  "CAP_SETGID",
  "CAP_SETPCAP", // lose their bounding set,
  "CAP_SYS_CHROOT", // and their file system
  "CAP_SYS_NICE", // workers go first on their cores
  "CAP_KILL", // a worker of another user that does not end
  "CAP_SYS_PTRACE", // how much memory it takes
  "CAP_CHOWN", // the control socket's group, the owner of a configuration file that is written anew
  "CAP_DAC_OVERRIDE", // root started by sudo: a configuration file or a socket's directory that belong to somebody else
];

/** What the program or libc reads; everything else (BUN_…, NODE_…, LD_…, and what is not invented yet) stays behind. */
const wanted = new Set(
  (
    "PATH HOME USER LOGNAME TERM COLORTERM NO_COLOR FORCE_COLOR COLUMNS LINES LANG TZ TMPDIR " +
    "NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC LISTEN_PID LISTEN_FDS LISTEN_FDNAMES JOURNAL_STREAM INVOCATION_ID " +
    "RUNTIME_DIRECTORY STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY CREDENTIALS_DIRECTORY"
  ).split(" "),
);
const wantedPrefixes = ["MCR_", "LC_"];

/** What of `environment` a supervisor keeps, and the names of the rest. */
export function sift(environment: Readonly<Record<string, string | undefined>>): {
  kept: Record<string, string>;
  dropped: string[];
} {
  const kept: Record<string, string> = {};
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || name === marker) {
      continue;
    }
    if (wanted.has(name) || wantedPrefixes.some((prefix) => name.startsWith(prefix))) {
      kept[name] = value;
    } else {
      dropped.push(name);
    }
  }
  return { kept, dropped };
}

/** Says, to the program that follows, that it is the second, and what the first could do. */
const marker = "MCR_CLEAN_START";

/** What the first start did. `hasOwnIpc`: nobody else is in our IPC namespace. */
export type CleanStart = { hasOwnIpc: boolean; note?: string };

/** Returns in a process that is clean, or could not be made so (`note`). */
export function cleanStart(): CleanStart {
  const [pid, ipc] = (process.env[marker] ?? "").split(":");
  delete process.env[marker];
  // The process keeps its id, so nobody else can have meant this one.
  if (pid === String(process.pid)) {
    return { hasOwnIpc: ipc === "own" };
  }
  // While there are still all rights for it: programs that follow inherit both.
  filesMax();
  const newIpc = 0x0800_0000;
  const hasOwnIpc = systemCall("unshare", newIpc) === 0;
  const { kept, dropped } = sift(process.env);
  if (dropped.length === 0 && !hasMoreThan(usedCapabilities)) {
    return { hasOwnIpc };
  }
  boundNextProgram(usedCapabilities);
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  const given = process.argv.slice(2);
  const args = isCompiled ? [process.argv0, ...given] : [basename(process.execPath), Bun.main, ...given];
  const mark = `${process.pid}:${hasOwnIpc ? "own" : "shared"}`;
  const refused = execute("/proc/self/exe", args, { ...kept, [marker]: mark });
  const note = `the program could not start itself anew (${errnoName(refused)}): it keeps rights and environment`;
  return { hasOwnIpc, note };
}
