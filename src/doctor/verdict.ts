// What the doctor says of one thing it looked at, and the commands that mend it. Plain data: what runs commands is elsewhere.

/** `unseen`: it could not be looked at. */
export const severities = ["error", "warning", "note", "unseen", "fine"] as const;

/**
 * `error`: the relay does not run, loses datagrams, or is open to others. `warning`: it works worse than this machine could.
 * `note`: worth knowing. Gravest first in `severities`.
 */
export type Severity = (typeof severities)[number];

/**
 * One step of a cure: a kernel setting, a value for a file of /proc or /sys, a program with its arguments, or a line for the
 * operator's own shell, which no program can run in its place.
 */
export type Command =
  | { sysctl: string; value: string }
  | { write: string; to: string }
  | { run: readonly [string, ...string[]] }
  | { shell: string };

/** What was found. `id` names the check, `link` the network interface it is about; `commands` run in their order. */
export type Verdict = {
  id: string;
  severity: Severity;
  link?: string;
  what: string;
  /** What comes of it for the relay. */
  why?: string;
  commands?: readonly Command[];
  /** What no command of this machine can do. */
  advice?: string;
};

/** A verdict that needs no cure. */
export function fine(id: string, what: string, link?: string): Verdict {
  return { id, severity: "fine", what, ...(link === undefined ? {} : { link }) };
}

/** It could not be looked at, and why. */
export function unseen(id: string, what: string, link?: string): Verdict {
  return { id, severity: "unseen", what, ...(link === undefined ? {} : { link }) };
}

/** The command as a shell takes it. */
export function commandLine(command: Command): string {
  if ("sysctl" in command) {
    return `sysctl -w ${quoted(`${command.sysctl}=${command.value}`)}`;
  }
  if ("write" in command) {
    return `echo ${quoted(command.write)} > ${quoted(command.to)}`;
  }
  return "shell" in command ? command.shell : command.run.map(quoted).join(" ");
}

/** 0: fine, notes included; 1: warnings; 2: errors. */
export function exitCodeOf(verdicts: readonly Verdict[]): 0 | 1 | 2 {
  if (verdicts.some(({ severity }) => severity === "error")) {
    return 2;
  }
  return verdicts.some(({ severity }) => severity === "warning") ? 1 : 0;
}

/** What is wrong and its cure in one line, for a log. */
export function spoken({ what, commands = [], advice }: Verdict): string {
  const run = commands.map((command) => `Run '${commandLine(command)}'.`);
  return [what, ...run, ...(advice === undefined ? [] : [advice])].join(" ");
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A number for a person: `1,234,567`. */
export function counted(value: number): string {
  return Number.isFinite(value) ? grouped.format(value) : "any number of";
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
