// The filter's decisions, by a small interpreter of classic BPF: for every system call there is, on both architectures.
import { describe, expect, test } from "bun:test";
import { errno } from "../../../src/shim/errno.ts";
import type { RingKind } from "../../../src/shim/ring.ts";
import { type Architecture, systemCallNumber } from "../../../src/shim/system-call-numbers.ts";
import { permissions } from "../../../src/worker/sandbox/calls.ts";
import { answers, auditNumbers, filterOf, type Instruction, opcodes } from "../../../src/worker/sandbox/filter.ts";

const pid = 4711;
const architectures: Architecture[] = ["x64", "arm64"];

/** What `program` answers to a call; as the kernel runs it (Documentation/networking/filter.rst). */
function run(program: readonly Instruction[], audit: number, number: number, given: readonly bigint[] = []): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, audit, true);
  for (const [index, value] of given.entries()) data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, value), true);
  let accumulator = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, ifTrue, ifFalse, k } = program[at] as Instruction;
    if (code === opcodes.load) accumulator = data.getUint32(k, true);
    else if (code === opcodes.and) accumulator = (accumulator & k) >>> 0;
    else if (code === opcodes.equal) at += accumulator === k ? ifTrue : ifFalse;
    else if (code === opcodes.above) at += accumulator >= k ? ifTrue : ifFalse;
    else if (code === opcodes.answer) return k;
    else throw new Error(`instruction ${code} is not known`);
  }
  throw new Error("the program ran out of its end");
}

function decide(architecture: Architecture, name: string, given: bigint[] = [], kind: RingKind = "io_uring"): number {
  const number = systemCallNumber(name, architecture);
  if (number === undefined) throw new Error(`${architecture} has no ${name}`);
  return run(filterOf(permissions(pid, [kind]), architecture), auditNumbers[architecture], number, given);
}

test("musl's open and stat are refused with an error where glibc's would end a worker", () => {
  const answerOf = (call: string, libc: "glibc" | "musl") =>
    run(
      filterOf(permissions(pid, ["io_uring"], libc), "x64"),
      auditNumbers.x64,
      systemCallNumber(call, "x64") ?? Number.NaN,
    );
  for (const call of ["open", "stat"]) {
    expect(answerOf(call, "musl")).toBe(answers.fail + errno.EACCES);
    expect(answerOf(call, "glibc")).toBe(answers.trap);
  }
});

describe.each(architectures)("on %s", (architecture) => {
  test("of all numbers only those listed pass, and each that is not listed is trapped", () => {
    const listed = permissions(pid, ["io_uring"]);
    const program = filterOf(listed, architecture);
    const known = new Set(listed.map(({ call }) => systemCallNumber(call, architecture)));
    const free = new Set(
      listed
        .filter((each) => each.checks === undefined && !each.isRefused)
        .map(({ call }) => systemCallNumber(call, architecture)),
    );
    for (let number = 0; number < 1024; number++) {
      const answer = run(program, auditNumbers[architecture], number);
      if (free.has(number)) expect([number, answer]).toEqual([number, answers.allow]);
      if (!known.has(number)) expect([number, answer]).toEqual([number, answers.trap]);
    }
  });

  test("the loop's own call is asked for first", () => {
    expect(permissions(pid, ["io_uring"])[0]).toEqual({ call: "io_uring_enter" });
  });

  test.each(["socket", "connect", "kill", "ptrace", "execve", "io_uring_setup", "io_uring_register", "bpf", "setuid"])(
    "%s is trapped",
    (call) => {
      expect(decide(architecture, call)).toBe(answers.trap);
    },
  );

  test("a signal reaches threads of this process alone", () => {
    expect(decide(architecture, "tgkill", [BigInt(pid), 1n, 9n])).toBe(answers.allow);
    expect(decide(architecture, "tgkill", [BigInt(pid + 1), 1n, 9n])).toBe(answers.trap);
  });

  test("a datagram goes where its socket is connected to, whatever half of the address is given", () => {
    expect(decide(architecture, "sendto", [3n, 0x7f00_0000_1000n, 4n, 0x4040n, 0n])).toBe(answers.allow);
    expect(decide(architecture, "sendto", [3n, 0n, 4n, 0n, 0x1000n])).toBe(answers.trap);
    expect(decide(architecture, "sendto", [3n, 0n, 4n, 0n, 0x7f00_0000_0000n])).toBe(answers.trap);
  });

  test("clone makes threads, and nothing that is less or more", () => {
    const thread = 0x003d_0f00n;
    expect(decide(architecture, "clone", [thread])).toBe(answers.allow);
    expect(decide(architecture, "clone", [17n])).toBe(answers.trap);
    for (const bit of [17n, 25n, 26n, 27n, 28n, 29n, 30n]) {
      expect(decide(architecture, "clone", [thread | (1n << bit)])).toBe(answers.trap);
    }
  });

  test("what the runtime asks for and can do without is answered with an error", () => {
    expect(decide(architecture, "clone3")).toBe(answers.fail + errno.ENOSYS);
    expect(decide(architecture, "openat")).toBe(answers.fail + errno.EACCES);
    expect(decide(architecture, "prctl", [15n])).toBe(answers.allow);
    expect(decide(architecture, "prctl", [22n])).toBe(answers.fail + errno.EPERM);
  });

  test("limits can be read and not set, and only one's own", () => {
    expect(decide(architecture, "prlimit64", [0n, 7n, 0n, 0x1000n])).toBe(answers.allow);
    expect(decide(architecture, "prlimit64", [0n, 7n, 0x1000n, 0n])).toBe(answers.trap);
    expect(decide(architecture, "prlimit64", [1n, 7n, 0n, 0x1000n])).toBe(answers.trap);
  });

  test("each way to wait has its own calls and not the other's", () => {
    expect(decide(architecture, "ppoll", [], "ppoll")).toBe(answers.allow);
    expect(decide(architecture, "sendmmsg", [], "ppoll")).toBe(answers.allow);
    expect(decide(architecture, "io_uring_enter", [], "ppoll")).toBe(answers.trap);
    expect(decide(architecture, "epoll_ctl", [], "ppoll")).toBe(answers.allow);
    expect(decide(architecture, "ppoll")).toBe(answers.trap);
    expect(decide(architecture, "sendmmsg")).toBe(answers.trap);
  });

  test("a call by the table of another architecture ends the process", () => {
    const program = filterOf(permissions(pid, ["io_uring"]), architecture);
    const i386 = 0x4000_0003;
    expect(run(program, i386, 3)).toBe(answers.kill);
    expect(run(program, auditNumbers[architecture === "x64" ? "arm64" : "x64"], 3)).toBe(answers.kill);
  });
});

test("x86-64's second table, x32, is no way around", () => {
  const program = filterOf(permissions(pid, ["io_uring"]), "x64");
  expect(run(program, auditNumbers.x64, 0x4000_0000 + 426)).toBe(answers.kill);
});

test("every call that is listed exists on at least one architecture", () => {
  for (const kind of ["io_uring", "ppoll"] as const) {
    const unknown = permissions(pid, [kind])
      .map(({ call }) => call)
      .filter((call) => architectures.every((each) => systemCallNumber(call, each) === undefined));
    expect(unknown).toEqual([]);
  }
});
