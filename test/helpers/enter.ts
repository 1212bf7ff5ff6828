// Puts the calling thread into a network namespace of a lab for the length of a function: sockets that src/ opens there belong
// to it for good, wherever they are used later. setns(2).
import { dlopen } from "bun:ffi";
import { closeSync, openSync } from "node:fs";

const libc = dlopen("libc.so.6", { setns: { args: ["i32", "i32"], returns: "i32" } }).symbols;
const cloneNewNet = 0x4000_0000;

/** Runs `work` inside namespace `full` (as Lab.ns() returns it) and comes back, also from a throw. Not for async work. */
export function inside<T>(full: string, work: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    enter(`/run/netns/${full}`);
    return work();
  } finally {
    enter(`/proc/self/fd/${home}`);
    closeSync(home);
  }
}

function enter(path: string): void {
  const fd = openSync(path, "r");
  const result = libc.setns(fd, cloneNewNet);
  closeSync(fd);
  if (result !== 0) throw new Error(`setns ${path} was refused: it needs root`);
}
