import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { errno } from "../../src/shim/errno.ts";
import { systemCall } from "../../src/shim/system-call.ts";
import { type Architecture, systemCallNumber, systemCallText } from "../../src/shim/system-call-numbers.ts";

/** The kernel's own headers, wherever a distribution keeps them. */
const headers: Record<Architecture, string[]> = {
  x64: ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"],
  arm64: ["/usr/include/asm-generic/unistd.h"],
};

describe.each(["x64", "arm64"] as const)("the numbers of %s", (architecture) => {
  test("are those of the kernel's headers", () => {
    const path = headers[architecture].find((each) => existsSync(each)) ?? "the package linux-libc-dev is missing";
    // `__NR3264_lseek` is what both word sizes share; a 64-bit machine calls it lseek.
    const lines = [...readFileSync(path, "utf8").matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm)];
    const theirs = lines.map((line) => [line[1] ?? "", Number(line[2])] as const);
    const shared = theirs.filter(([name]) => systemCallNumber(name, architecture) !== undefined);
    expect(shared.length).toBeGreaterThan(290);
    for (const [name, number] of shared) {
      expect([name, systemCallNumber(name, architecture)]).toEqual([name, number]);
    }
  });

  test("read as text with the name, and as a number where there is none", () => {
    const number = systemCallNumber("socket", architecture) ?? 0;
    expect(systemCallText(number, architecture)).toBe(`socket (${number})`);
    expect(systemCallText(9_999, architecture)).toBe("system call 9999");
  });
});

test("a call that the machine does not have has no number", () => {
  expect(systemCallNumber("epoll_wait", "x64")).toBe(232);
  expect(systemCallNumber("epoll_wait", "arm64")).toBeUndefined();
});

test("a call by name reaches the kernel, and a refusal comes back as its error number", () => {
  const getFlags = 3;
  expect(systemCall("fcntl", 0, getFlags)).toBeGreaterThanOrEqual(0);
  const errorOfBadDescriptor = -9;
  expect(systemCall("fcntl", 987_654, getFlags)).toBe(errorOfBadDescriptor);
  expect(systemCall("prctl", 9_999)).toBe(-errno.EINVAL);
});
