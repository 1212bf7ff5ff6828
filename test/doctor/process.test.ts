// Checks about the process and its file: library, environment, executable, limits, clock, dropped frames.
import { describe, expect, test } from "bun:test";
import { judgeBacklog, parseSoftnet } from "../../src/doctor/backlog.ts";
import { judgeClock } from "../../src/doctor/clock.ts";
import { judgeEnvironment } from "../../src/doctor/environment.ts";
import { judgeExecutable } from "../../src/doctor/executable.ts";
import { forbiddenFolders, judgeLibrary } from "../../src/doctor/library.ts";
import { hardLimit, judgeLimits, type LimitFacts } from "../../src/doctor/process-limits.ts";
import { commandLine } from "../../src/doctor/verdict.ts";

describe("the native library", () => {
  const facts = { refusal: undefined, note: undefined, forbidden: [] };

  test("from memory is fine, from a file a warning, from nowhere an error", () => {
    expect(judgeLibrary(facts)[0]?.severity).toBe("fine");
    expect(judgeLibrary({ ...facts, note: "a memfd was refused", forbidden: ["/tmp"] })[0]).toMatchObject({
      severity: "warning",
      why: "It works as long as one folder is left; noexec are /tmp.",
    });
    expect(judgeLibrary({ ...facts, refusal: "no", forbidden: ["/run", "/tmp"] })[0]).toMatchObject({
      severity: "error",
      commands: [{ run: ["mount", "-o", "remount,exec", "/run"] }],
    });
  });

  test("a folder is noexec by the mount right above it, the last one on a point", () => {
    const mounts = `/dev/a / ext4 rw 0 0
tmpfs /run tmpfs rw,nosuid,noexec 0 0
tmpfs /run/mcr tmpfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
tmpfs /tmp tmpfs rw,noexec 0 0
tmpfs /runs tmpfs rw,noexec 0 0`;
    expect(forbiddenFolders(mounts, ["/run", "/run/mcr", "/run/mcrx", "/tmp", "/var"])).toEqual([
      "/run",
      "/run/mcrx",
      "/tmp",
    ]);
  });
});

describe("the environment", () => {
  const judged = (...names: string[]) => judgeEnvironment({ subject: "self", names })[0];

  test("without a variable of the runtime's is fine", () => {
    expect(judged("PATH", "BUN_INSTALL", "TERM")?.severity).toBe("fine");
  });

  test.each(["BUN_BE_BUN", "BUN_OPTIONS", "NODE_OPTIONS", "BUN_INSPECT", "LD_PRELOAD", "BUN_JSC_useJIT"])(
    "with %s is a warning that unsets it",
    (name) => {
      expect(judged("PATH", name)).toMatchObject({ severity: "warning", what: expect.stringContaining(name) });
      expect(judged(name)?.commands?.map(commandLine)).toEqual([`unset ${name}`]);
    },
  );

  test("of another user's supervisor is unseen", () => {
    expect(judgeEnvironment({ subject: "supervisor", names: undefined })[0]?.severity).toBe("unseen");
  });
});

describe("the executable", () => {
  const facts = { path: "/usr/bin/mcr-appliance", mode: 0o755, uid: 0, hasCapabilities: false };
  const ids = (changes: object) =>
    judgeExecutable({ ...facts, ...changes }).map(({ id, severity }) => `${id} ${severity}`);

  test("gives no rights away, or is an error for each way in which it does", () => {
    expect(ids({})).toEqual(["executable fine"]);
    expect(ids({ hasCapabilities: true })).toEqual(["file-capabilities error"]);
    expect(ids({ mode: 0o6757 })).toEqual(["setuid error", "writable error"]);
    expect(ids({ mode: 0o2755 })).toEqual(["setuid error"]);
    expect(ids({ hasCapabilities: undefined })).toEqual(["file-capabilities unseen"]);
  });
});

describe("limits", () => {
  const facts: LimitFacts = {
    subject: "self",
    pid: 7,
    openFiles: 20_000,
    lockedBytes: 65_536,
    filesNeeded: 0,
    isMemoryCounted: false,
  };
  const told = (changes: Partial<LimitFacts>) =>
    judgeLimits({ ...facts, ...changes }).map(({ severity, commands = [] }) => [
      severity,
      ...commands.map(commandLine),
    ]);

  test("are read from /proc/PID/limits, the hard ones", () => {
    const text = `Limit                     Soft Limit           Hard Limit           Units
Max open files            1024                 524288               files
Max locked memory         65536                unlimited            bytes`;
    expect(hardLimit(text, "Max open files")).toBe(524_288);
    expect(hardLimit(text, "Max locked memory")).toBe(Number.POSITIVE_INFINITY);
    expect(hardLimit(text, "Max realtime priority")).toBeUndefined();
  });

  test("of open files: enough, few, too few for the rules of now", () => {
    expect(told({})[0]).toEqual(["fine"]);
    expect(told({ openFiles: 4_095 })[0]).toEqual(["warning", "ulimit -n 65536"]);
    expect(told({ openFiles: 5_000, filesNeeded: 5_001, subject: "supervisor" })[0]).toEqual([
      "error",
      "prlimit --pid 7 --nofile=65536:65536",
    ]);
    expect(told({ openFiles: undefined })[0]).toEqual(["unseen"]);
  });

  test("of locked memory matter to kernels that count rings", () => {
    expect(told({})[1]).toEqual(["fine"]);
    expect(told({ isMemoryCounted: true })[1]).toEqual(["warning", "ulimit -l unlimited"]);
    expect(told({ isMemoryCounted: true, lockedBytes: Number.POSITIVE_INFINITY })[1]).toEqual(["fine"]);
  });
});

describe("the clock", () => {
  const facts = { isSynchronised: true, source: "tsc", available: ["tsc", "hpet"] };
  const told = (changes: object) => judgeClock({ ...facts, ...changes }).map(({ severity }) => severity);

  test("is in step and cheap to read, or a warning says which it is not", () => {
    expect(told({})).toEqual(["fine", "fine"]);
    expect(told({ isSynchronised: false })).toEqual(["warning", "fine"]);
    expect(told({ source: "hpet" })).toEqual(["fine", "warning"]);
    expect(told({ isSynchronised: undefined, source: undefined })).toEqual(["unseen", "unseen"]);
    expect(told({ source: "arch_sys_counter" })).toEqual(["fine", "fine"]);
  });

  test("has a command where the kernel offers a better source", () => {
    expect(judgeClock({ ...facts, source: "acpi_pm" })[1]?.commands?.map(commandLine)).toEqual([
      "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
    ]);
    expect(judgeClock({ ...facts, source: "hpet", available: ["hpet"] })[1]).toMatchObject({
      advice: expect.stringContaining("dmesg"),
    });
  });
});

describe("frames dropped before any program saw them", () => {
  const row = (processed: number, dropped: number) => ({ processed, dropped });

  test("are read a line a core, in hexadecimal", () => {
    expect(parseSoftnet("0000000a 00000000 00000004\n000000ff 00000010 00000005\n")).toEqual([
      row(10, 0),
      row(255, 16),
    ]);
  });

  test("none are fine, many a warning, few or cared for a note", () => {
    const judged = (rows: { processed: number; dropped: number }[] | undefined, backlogMax?: number) =>
      judgeBacklog({ rows, backlogMax })[0];
    expect(judged([row(10, 0), row(5, 0)])?.severity).toBe("fine");
    expect(judged([row(1_000_000, 11)], 1_000)).toMatchObject({
      severity: "warning",
      commands: [{ sysctl: "net.core.netdev_max_backlog", value: "10000" }],
    });
    expect(judged([row(1_000_000, 10)], 1_000)?.severity).toBe("note");
    expect(judged([row(1_000_000, 50_000)], 10_000)).toMatchObject({ severity: "note", advice: expect.any(String) });
    expect(judged(undefined)?.severity).toBe("unseen");
  });
});
