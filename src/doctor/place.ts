// What the checks look at beside files: who would run the relay, which links it uses, and what the running one says of itself.
import type { Status } from "../control/status.ts";
import type { Machine } from "./machine.ts";
import type { Native } from "./native.ts";

/** The supervisor at the control socket. `silent`: it listens and does not answer; `foreign`: what answered is none of ours. */
export type Supervisor =
  | { kind: "answers"; status: Status }
  | { kind: "absent" | "denied" | "silent" | "foreign"; text: string };

/** What one examination is about. Links by name. */
export type Place = {
  machine: Machine;
  /** What only system calls can tell; or why the native library cannot be loaded. */
  native: Native | { refusal: string };
  supervisor: Supervisor;
  /** The process whose rights and limits count: the running supervisor, else this one. */
  subject: Subject;
  /** Links that the operator named. */
  named: readonly string[];
  inputs: readonly string[];
  outputs: readonly string[];
  socketPath: string;
  executable: string;
  environment: Readonly<Record<string, string | undefined>>;
};

/** `self`: no supervisor runs that can be looked at, so it is what one started from here would have. */
export type Subject = { kind: "supervisor" | "self"; pid: number; folder: string };

/** The native side, when it is there. */
export function nativeOf({ native }: Place): Native | undefined {
  return "refusal" in native ? undefined : native;
}

/** A value of `/proc/PID/status`; proc_pid_status(5). */
export function statusField(place: Place, name: string): string | undefined {
  const text = place.machine.text(`${place.subject.folder}/status`);
  return text === undefined ? undefined : new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1];
}
