// Runs a program to its end and hands back what it said. Blocks this process: for set-up commands that finish in milliseconds.
// What has to run beside the test is a Running (running.ts).

import { constants } from "node:os";

export type Finished = { exitCode: number; stdout: string; stderr: string };

/** Runs `command` and waits; a program killed by signal N counts as exit code 128 + N, as in a shell. */
export function runAnyway(command: readonly string[], input = ""): Finished {
  const ended = Bun.spawnSync([...command], { stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const bySignal = ended.signalCode === undefined ? 255 : 128 + constants.signals[ended.signalCode as NodeJS.Signals];
  const exitCode = ended.exitCode ?? bySignal;
  return { exitCode, stdout: ended.stdout.toString(), stderr: ended.stderr.toString() };
}

/** As `runAnyway`, but an exit code other than 0 is an error that quotes the command and its stderr. */
export function run(command: readonly string[], input = ""): Finished {
  const finished = runAnyway(command, input);
  if (finished.exitCode !== 0) {
    throw new Error(`"${command.join(" ")}" ended with ${finished.exitCode}: ${finished.stderr.trim()}`);
  }
  return finished;
}
