// What a ring may be asked for. Its operations pass by a seccomp filter: without this, a worker that was taken over could open
// files and sockets through its ring, however few system calls it has left. Linux 5.10, io_uring_register(2).
import { map } from "./memory.ts";
import { systemCall } from "./system-call.ts";

// linux/io_uring.h
const operations = { pollAdd: 6, sendmsg: 9, cancel: 14 } as const;
const kinds = { operation: 1, flagsAllowed: 2 } as const;
const linkFlag = 1 << 2;
const registerRestrictions = 11;
const registerEnable = 12;
/** struct io_uring_restriction. */
const restrictionSize = 16;

/**
 * Opens a ring that was made disabled, for `allowed` operations, alone or linked, and for nothing else ever; registering
 * anything more is over as well. Called by the thread that will use it. 0 or -errno.
 */
export function openFor(ringFd: number, allowed: readonly (keyof typeof operations)[]): number {
  const memory = map(restrictionSize * (allowed.length + 1));
  const put = (index: number, kind: number, value: number) => {
    // u16 kind, u8 value, 13 bytes of zeros.
    memory.u32[(index * restrictionSize) / 4] = kind | (value << 16);
  };
  for (const [index, name] of allowed.entries()) {
    put(index, kinds.operation, operations[name]);
  }
  put(allowed.length, kinds.flagsAllowed, linkFlag);
  const register = (what: number, at: number, count: number) =>
    systemCall("io_uring_register", ringFd, what, at, count);
  const error = register(registerRestrictions, memory.pointer, allowed.length + 1);
  memory.close();
  return error < 0 ? error : register(registerEnable, 0, 0);
}
