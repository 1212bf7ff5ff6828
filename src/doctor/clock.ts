// The clock: whether somebody keeps it in step, and what a look at it costs.
import { fine, unseen, type Verdict } from "./verdict.ts";

/** `source` and `available`: from /sys/devices/system/clocksource; undefined where there is none. */
export type ClockFacts = {
  isSynchronised: boolean | undefined;
  source: string | undefined;
  available: readonly string[];
};

/** Clocks that are read without asking the kernel or a device. */
const fast: readonly string[] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "xen"];
const sourceFile = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/** Two verdicts: is it right, is it cheap. */
export function judgeClock({ isSynchronised, source, available }: ClockFacts): Verdict[] {
  return [judgeSynchronisation(isSynchronised), judgeSource(source, available)];
}

function judgeSynchronisation(isSynchronised: boolean | undefined): Verdict {
  if (isSynchronised === undefined) {
    return unseen("clock", "Whether the clock is synchronised could not be asked.");
  }
  return isSynchronised
    ? fine("clock", "the clock is synchronised")
    : {
        id: "clock",
        severity: "warning",
        what: "Nothing keeps this machine's clock in step.",
        why: "Times in the log and latencies between two machines (gen, sink) cannot be trusted. Relaying is not affected.",
        commands: [{ run: ["timedatectl", "set-ntp", "true"] }],
        advice: "Or run chrony, or ptp4l with phc2sys.",
      };
}

function judgeSource(source: string | undefined, available: readonly string[]): Verdict {
  const id = "clock-source";
  if (source === undefined) {
    return unseen(id, "Which clock the kernel reads could not be seen.");
  }
  if (fast.includes(source)) {
    return fine(id, `the kernel reads ${source}`);
  }
  const better = fast.find((name) => available.includes(name));
  return {
    id,
    severity: "warning",
    what: `The kernel reads the time from ${source}, which is slow.`,
    why: "Every captured frame is stamped: with such a clock that costs a microsecond and more each.",
    ...(better === undefined
      ? { advice: "The kernel found the processor's counter unreliable: 'dmesg | grep -i tsc' says why." }
      : { commands: [{ write: better, to: sourceFile }] }),
  };
}
