// How the workers' loops wait and send: by io_uring where it is to be had, else by ppoll and sendmmsg. Tried, not guessed.
import { done, failed, type Outcome } from "../../base/outcome.ts";
import type { RingKind } from "../../shim/ring.ts";
import { multishotCure, ringCure } from "../../shim/ring-cure.ts";
import type { RingTrial } from "../../shim/ring-trial.ts";
import type { IoWish } from "../../worker/orders.ts";

/** What the workers are to take, and why it is not io_uring when nobody asked for that. */
export type IoChoice = { kind: RingKind; reason?: string };

/** What is tried and read to decide; `disabled` is kernel.io_uring_disabled, undefined on kernels before 6.6. */
export type IoFacts = { trial: () => RingTrial; disabled: () => string | undefined };

/** Decides; the error says why io_uring, when it was asked for, cannot be had, and what would help. */
export function chooseIo(wish: IoWish, facts: IoFacts): Outcome<IoChoice> {
  if (wish === "ppoll") {
    return done({ kind: "ppoll" });
  }
  const reason = shortcoming(facts);
  if (reason === undefined) {
    return done({ kind: "io_uring" });
  }
  return wish === "auto" ? done({ kind: "ppoll", reason }) : failed(reason);
}

/** What the log is told, once for all workers. */
export function ioNews({ kind, reason }: IoChoice): { level: "Debug" | "Notice" | "Warning"; message: string } {
  const without = "workers wait with ppoll and send with sendmmsg";
  if (reason !== undefined) {
    return { level: "Warning", message: `${without}, at more CPU a datagram. ${reason}` };
  }
  return kind === "ppoll"
    ? { level: "Notice", message: `${without}, as was asked for` }
    : { level: "Debug", message: "workers wait and send by io_uring" };
}

function shortcoming({ trial, disabled }: IoFacts): string | undefined {
  const { error, isMultishot } = trial();
  if (error !== undefined) {
    return `io_uring is not available (${error}). ${cure(error, disabled())}`;
  }
  // Where each poll had to be asked for again, a frame could fall between two.
  return isMultishot ? undefined : `${multishotCure}: a newer kernel has it.`;
}

function cure(error: string, disabled: string | undefined): string {
  const { setting, shell, advice } = ringCure(error, disabled === undefined ? undefined : Number(disabled));
  return [
    ...(setting === undefined
      ? []
      : [`${setting.name} is ${setting.now}: run 'sysctl -w ${setting.name}=${setting.wanted}'.`]),
    ...(advice === undefined ? [] : [advice]),
    ...(shell === undefined ? [] : [`In a shell: ${shell}.`]),
  ].join(" ");
}
