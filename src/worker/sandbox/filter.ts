// Permissions as a seccomp filter: classic BPF over struct seccomp_data (seccomp(2), linux/seccomp.h). Pure.
import { assert } from "../../base/assert.ts";
import { type Architecture, systemCallNumber } from "../../shim/system-call-numbers.ts";
import type { Check, Permission } from "./calls.ts";

/** One instruction, struct sock_filter; jumps count the instructions that are skipped. */
export type Instruction = { code: number; ifTrue: number; ifFalse: number; k: number };

// linux/bpf_common.h: BPF_LD|BPF_W|BPF_ABS, BPF_ALU|BPF_AND|BPF_K, BPF_JMP|BPF_JEQ|BPF_K, BPF_JMP|BPF_JGE|BPF_K, BPF_RET|BPF_K.
export const opcodes = { load: 0x20, and: 0x54, equal: 0x15, above: 0x35, answer: 0x06 } as const;

/** What a filter answers; linux/seccomp.h. `trap` raises SIGSYS, and what is behind `fail` is an error number. */
export const answers = { kill: 0x8000_0000, trap: 0x0003_0000, fail: 0x0005_0000, allow: 0x7fff_0000 } as const;

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64, linux/audit.h. */
export const auditNumbers: Readonly<Record<Architecture, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

/** Offsets in struct seccomp_data; an argument has 8 bytes, the lower half first. */
const data = { number: 0, architecture: 4, arguments: 16 } as const;

/** From here on x86-64 has the calls of its x32 ABI, which would be other doors to the same rooms. */
const x32Bit = 0x4000_0000;

/** The filter that lets through what `permissions` say, asked in their order, and traps the rest. */
export function filterOf(permissions: readonly Permission[], architecture: Architecture): Instruction[] {
  const program = [
    load(data.architecture),
    jump(opcodes.equal, auditNumbers[architecture], 1, 0),
    answer(answers.kill),
    load(data.number),
  ];
  if (architecture === "x64") {
    program.push(jump(opcodes.above, x32Bit, 0, 1), answer(answers.kill));
  }
  for (const permission of permissions) {
    const number = systemCallNumber(permission.call, architecture);
    // x86-64 has some calls that younger architectures were spared.
    if (number !== undefined) {
      const body = bodyOf(permission);
      program.push(jump(opcodes.equal, number, 0, body.length), ...body);
    }
  }
  program.push(answer(answers.trap));
  return program;
}

/** Ends in an answer whatever happens: the number is no longer loaded behind it. */
function bodyOf({ checks = [], refusal, isRefused }: Permission): Instruction[] {
  const refused = answer(refusal === undefined ? answers.trap : answers.fail + refusal);
  if (isRefused) {
    return [refused];
  }
  const tests = checks.flatMap(testsOf);
  // Where a comparison fails, everything up to the refusal is skipped.
  const body = tests.map((each, index) => ({
    ...each,
    ifFalse: each.code === opcodes.equal ? tests.length - index : 0,
  }));
  return checks.length === 0 ? [answer(answers.allow)] : [...body, answer(answers.allow), refused];
}

function testsOf({ argument, equals, mask, isWhole }: Check): Instruction[] {
  const low = data.arguments + 8 * argument;
  const tests = [load(low)];
  if (mask !== undefined) {
    tests.push({ code: opcodes.and, ifTrue: 0, ifFalse: 0, k: mask });
  }
  tests.push(jump(opcodes.equal, equals, 0, 0));
  if (isWhole) {
    tests.push(load(low + 4), jump(opcodes.equal, 0, 0, 0));
  }
  return tests;
}

function load(offset: number): Instruction {
  return { code: opcodes.load, ifTrue: 0, ifFalse: 0, k: offset };
}

function answer(k: number): Instruction {
  return { code: opcodes.answer, ifTrue: 0, ifFalse: 0, k };
}

function jump(code: number, k: number, ifTrue: number, ifFalse: number): Instruction {
  assert(ifTrue <= 255 && ifFalse <= 255, "a jump of classic BPF skips at most 255 instructions");
  return { code, ifTrue, ifFalse, k };
}
