// Which cores this process may use.
import { readFileSync } from "node:fs";
import { parseCores } from "./options.ts";

/** Ascending, from Cpus_allowed_list; proc_pid_status(5). */
export function allowedCores(path = "/proc/self/status"): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(path, "utf8"))?.[1] ?? "0";
  const cores = parseCores(list);
  return cores.ok ? cores.value : [0];
}
