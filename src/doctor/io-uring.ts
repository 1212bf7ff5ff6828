// io_uring: tried, not guessed. What refuses it is told apart by the error and by the kernel's own switch.
import type { RingTrial } from "../shim/ring-trial.ts";
import { fine, type Verdict } from "./verdict.ts";

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
        what: "io_uring of this kernel has no multishot poll, which came with Linux 5.13.",
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

function cure(error: string, disabled: number | undefined): Pick<Verdict, "commands" | "advice"> {
  if (error === "ENOSYS") {
    return { advice: "Boot a kernel with CONFIG_IO_URING; in a container, a seccomp profile may hide it." };
  }
  if (error === "ENOMEM") {
    return {
      commands: [{ shell: "ulimit -l unlimited" }],
      advice: "The limit of locked memory is too low for this kernel. For a service: LimitMEMLOCK=infinity.",
    };
  }
  if (disabled !== undefined && disabled > 0) {
    return { commands: [{ sysctl: "kernel.io_uring_disabled", value: "0" }] };
  }
  return {
    advice:
      "A seccomp profile forbids it, as Docker's default does. Start the container with " +
      "'--security-opt seccomp=unconfined', or with a profile that allows io_uring_setup, io_uring_enter and io_uring_register.",
  };
}
