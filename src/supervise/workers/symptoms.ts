// What the kernel says of a process that does not answer: a line of the log should tell a stopped one from one that spins.
import { readdirSync, readFileSync } from "node:fs";
import { reasonOf } from "../../base/outcome.ts";
import type { Half } from "../../worker/orders.ts";

/** The letters of the field `state`; proc_pid_stat(5). */
const states: Record<string, string> = {
  R: "runs without coming back to its streams",
  S: "sleeps and does not read its streams",
  D: "hangs in the kernel",
  T: "is stopped (SIGSTOP?)",
  t: "is held by a debugger",
  Z: "has ended and is not buried",
};

/** What thread `name` of process `pid` does (undefined: its main thread), by the letter of its state; "?" when it is gone. */
export function stateOf(pid: number, name?: string): string {
  try {
    const threads = name === undefined ? [String(pid)] : readdirSync(`/proc/${pid}/task`);
    for (const thread of threads) {
      const { comm, state } = read(`/proc/${pid}/task/${thread}/stat`);
      if (name === undefined || comm === name) {
        return state;
      }
    }
  } catch (thrown) {
    // It has ended while we looked.
    return reasonOf(thrown).startsWith("ENOENT") ? "?" : "unreadable";
  }
  return "?";
}

/** A worker whose `stuck` halves have been silent for so long, in words. */
export function describe(pid: number, pipeline: "split" | "unified", stuck: readonly Half[], silentMs: number): string {
  const thread = pipeline === "split" && !stuck.includes("ingress") ? "mcr egress" : undefined;
  const state = stateOf(pid, thread);
  const what = states[state] ?? `is in state ${state}`;
  return `stuck: ${stuck.join(" and ")} silent for ${(silentMs / 1000).toFixed(1)} s; ${what}`;
}

/** `1234 (mcr worker) S …`: the name may hold anything, parentheses included. */
function read(path: string): { comm: string; state: string } {
  const text = readFileSync(path, "utf8");
  const end = text.lastIndexOf(")");
  return { comm: text.slice(text.indexOf("(") + 1, end), state: text.charAt(end + 2) };
}
