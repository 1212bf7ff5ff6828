// A worker's sandbox, in a process of its own that is confined by the same code as a worker.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { errno } from "../../../src/shim/errno.ts";
import { Page } from "../../../src/supervise/counters/pages.ts";
import { causeOfDeath } from "../../../src/supervise/workers/cause-of-death.ts";

const fixture = join(import.meta.dir, "../../fixtures/sandboxed.ts");
const page = Page.open("sandbox-test");

/** What became of a process that tried it: the line it wrote, or how it died. */
async function tried(attempt: string): Promise<string> {
  const child = Bun.spawn([process.execPath, fixture, attempt], {
    stdio: ["ignore", "pipe", "inherit", page.fd],
  });
  const said = await new Response(child.stdout).text();
  await child.exited;
  return said === ""
    ? causeOfDeath(page, child.exitCode, child.signalCode === null ? null : String(child.signalCode))
    : said.trim();
}

describe("a confined process", () => {
  test.each(["a thread, memory and the clock", "name itself", "read a limit"])("may: %s", async (attempt) => {
    expect(await tried(attempt)).toBe(`${attempt}: 0`);
  });

  test.each([
    ["open a file", errno.EACCES],
    ["open a file by a path of no directory", errno.EACCES],
    ["become traceable", errno.EPERM],
    ["open a file through the ring", errno.EACCES],
    ["open a socket through the ring", errno.EACCES],
  ])("is told no, and lives: %s", async (attempt, code) => {
    expect(await tried(attempt)).toBe(`${attempt}: ${-code}`);
  });

  test.each([
    ["register with the ring", "io_uring_register"],
    ["raise a limit", "prlimit64"],
    ["bound the supervisor", "prlimit64"],
    ["open a socket", "socket"],
    ["connect a socket", "connect"],
    ["make a second ring", "io_uring_setup"],
    ["signal the supervisor", "kill"],
    ["signal a thread of the supervisor", "tgkill"],
    ["queue a signal", "rt_sigqueueinfo"],
    ["hold the supervisor", "pidfd_open"],
    ["trace the supervisor", "ptrace"],
    ["read the supervisor's memory", "process_vm_readv"],
    ["aim a signal by a socket's owner", "fcntl"],
    ["make a process", "clone"],
    ["make a thread in a namespace of its own", "clone"],
    ["become a program", "execve"],
    ["become root", "setuid"],
    ["take another root", "chroot"],
    ["mount something", "mount"],
    ["load a program into the kernel", "bpf"],
    ["loosen the filter", "seccomp"],
    ["take the report of refused calls", "rt_sigaction"],
  ])("dies of it, and the call is known: %s", async (attempt, call) => {
    expect(await tried(attempt)).toMatch(new RegExp(`^signal SIGSYS, because its sandbox forbids ${call} \\(\\d+\\)$`));
  });

  test("dies at once of a call by another table", async () => {
    expect(await tried("listen to system calls of another table")).toBe("signal SIGSYS");
  });
});
