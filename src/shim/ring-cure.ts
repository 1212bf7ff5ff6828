// What helps when a ring does not open; for the supervisor's log and the doctor's page, which say it each in their way. Pure.

/** `setting`: the kernel's switch stands against it. `shell`: a line for the operator's own shell. */
export type RingCure = { setting?: { name: string; now: number; wanted: number }; shell?: string; advice?: string };

/** By the errno name of the refusal; `disabled` is kernel.io_uring_disabled, undefined before Linux 6.6. */
export function ringCure(error: string, disabled: number | undefined): RingCure {
  if (error === "ENOSYS") {
    return {
      advice: "Boot a kernel of 5.13 or later with CONFIG_IO_URING; in a container, a seccomp profile may hide it.",
    };
  }
  if (error === "ENOMEM") {
    const advice = "The limit of locked memory is too low for this kernel. For a service: LimitMEMLOCK=infinity.";
    return { shell: "ulimit -l unlimited", advice };
  }
  if (disabled !== undefined && disabled > 0) {
    return { setting: { name: "kernel.io_uring_disabled", now: disabled, wanted: 0 } };
  }
  return {
    advice:
      "A seccomp profile forbids it, as Docker's default does. Start the container with " +
      "'--security-opt seccomp=unconfined', or with a profile that allows io_uring_setup, io_uring_enter and io_uring_register.",
  };
}

/** Linux that brought multishot polls: without them a frame could fall between two polls. */
export const multishotCure = "io_uring of this kernel has no multishot poll, which came with Linux 5.13";
