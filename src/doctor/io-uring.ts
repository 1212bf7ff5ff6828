// io_uring: tried, not guessed. What refuses it is told apart by the error and by the kernel's own switch.
import type { Status } from "../control/status.ts";
import { multishotCure, ringCure } from "../shim/ring-cure.ts";
import type { RingTrial } from "../shim/ring-trial.ts";
import { type Command, fine, type Verdict } from "./verdict.ts";

const id = "io-uring";

/** `disabled`: kernel.io_uring_disabled, undefined before 6.6. */
export type IoUringFacts = { trial: RingTrial; disabled: number | undefined };

/** Whether a ring opens here and can do what the loops need. */
export function judgeIoUring({ trial, disabled }: IoUringFacts): Verdict[] {
  if (trial.error === undefined && trial.isMultishot) {
    const extras = [...(trial.isDeferring ? ["deferred wakeups"] : []), ...(trial.isGathering ? ["gathering"] : [])];
    return [fine(id, ["io_uring opens", ...extras].join(", "))];
  }
  const why = "Workers then wait with ppoll and send with sendmmsg: it relays the same, for more CPU a datagram.";
  if (trial.error === undefined) {
    return [
      {
        id,
        severity: "warning",
        what: `${multishotCure}.`,
        why,
        advice: "Install a newer kernel and boot it.",
      },
    ];
  }
  return [
    {
      id,
      severity: "warning",
      what: `io_uring is not available (${trial.error}).`,
      why,
      ...cure(trial.error, disabled),
    },
  ];
}

/** What the running supervisor says of it, undefined when it takes io_uring for want of nothing: then the trial says more. */
export function judgeRunningIo(io: Status["io"]): Verdict | undefined {
  if (io === undefined || io.kind === "io_uring") {
    return undefined;
  }
  const { reason } = io;
  const what = "The running relay waits with ppoll and sends with sendmmsg";
  return reason === undefined
    ? { id, severity: "note", what: `${what}, as it was started with --io ppoll.` }
    : {
        id,
        severity: "warning",
        what: `${what}: ${reason}`,
        why: "It relays the same, for more CPU a datagram.",
        advice:
          "What helps there may not help here: it has rights and limits of its own. Mend it, then restart the relay.",
      };
}

function cure(error: string, disabled: number | undefined): Pick<Verdict, "commands" | "advice"> {
  const { setting, shell, advice } = ringCure(error, disabled);
  const commands: Command[] = [
    ...(setting === undefined ? [] : [{ sysctl: setting.name, value: String(setting.wanted) }]),
    ...(shell === undefined ? [] : [{ shell }]),
  ];
  return { ...(commands.length === 0 ? {} : { commands }), ...(advice === undefined ? {} : { advice }) };
}
