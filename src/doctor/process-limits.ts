// How many descriptors and how much locked memory the relay may have: /proc/PID/limits, getrlimit(2).
import { limits } from "../limits.ts";
import { counted, fine, unseen, type Verdict } from "./verdict.ts";

/** Hard limits, since the supervisor raises the soft one to them. Infinity: unlimited; undefined: unreadable. */
export type LimitFacts = {
  subject: "supervisor" | "self";
  pid: number;
  openFiles: number | undefined;
  lockedBytes: number | undefined;
  /** Descriptors that the rules of now need; 0 when none are known. */
  filesNeeded: number;
  /** The kernel counts io_uring's memory against the limit (before 5.12). */
  isMemoryCounted: boolean;
};

/** Some thousand outputs, and what goes with them. */
const filesWanted = 4_096;
const filesGiven = 65_536;
/** Rings of 64 workers. */
const lockedWanted = 64 * 1024 * 1024;

/** The limit of open files with which rules may have `count`: as shim/descriptors.ts gives them out. */
export function filesMaxFor(count: number): number {
  return Math.min(count + limits.descriptorsKept, Math.ceil((count * 4) / 3));
}

/** Whether the relay can open what it needs. */
export function judgeLimits(facts: LimitFacts): Verdict[] {
  return [judgeFiles(facts), judgeMemory(facts)];
}

function judgeFiles({ subject, pid, openFiles, filesNeeded }: LimitFacts): Verdict {
  const id = "open-files";
  if (openFiles === undefined) {
    return unseen(id, "The limits of the running supervisor could not be read.");
  }
  const isShort = openFiles < filesNeeded;
  if (!isShort && openFiles >= filesWanted) {
    return fine(id, `${counted(openFiles)} open files are allowed`);
  }
  return {
    id,
    severity: isShort ? "error" : "warning",
    what: isShort
      ? `${counted(openFiles)} open files are allowed, and the rules of now need about ${counted(filesNeeded)}.`
      : `${counted(openFiles)} open files are allowed.`,
    why: "Each output is a socket, and so are twenty groups: what finds none stays pending (EMFILE).",
    commands: [
      subject === "supervisor"
        ? { run: ["prlimit", "--pid", String(pid), `--nofile=${filesGiven}:${filesGiven}`] }
        : { shell: `ulimit -n ${filesGiven}` },
    ],
    advice: `For a service: LimitNOFILE=${filesGiven}.`,
  };
}

function judgeMemory({ lockedBytes, isMemoryCounted }: LimitFacts): Verdict {
  const id = "locked-memory";
  if (!isMemoryCounted) {
    return fine(id, "this kernel does not count rings as locked memory");
  }
  if (lockedBytes === undefined) {
    return unseen(id, "The limits of the running supervisor could not be read.");
  }
  if (lockedBytes >= lockedWanted) {
    return fine(id, "enough memory may be locked");
  }
  return {
    id,
    severity: "warning",
    what: `Only ${counted(lockedBytes)} bytes of memory may be locked, and this kernel counts io_uring among them.`,
    why: "Workers do not start (ENOMEM).",
    commands: [{ shell: "ulimit -l unlimited" }],
    advice: "For a service: LimitMEMLOCK=infinity.",
  };
}

/** The hard limit in a line of /proc/PID/limits, such as `Max open files`. */
export function hardLimit(text: string, name: string): number | undefined {
  const line = text.split("\n").find((each) => each.startsWith(name));
  const [, hard] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  return hard === undefined ? undefined : hard === "unlimited" ? Number.POSITIVE_INFINITY : Number(hard);
}
