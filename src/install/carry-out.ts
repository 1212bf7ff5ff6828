// Carries a plan out, or tells it. Every step is said in a line before the next is made.
import type { InstallFile } from "./files.ts";
import type { Task } from "./init-system.ts";
import type { Step } from "./plan.ts";
import type { Tree } from "./tree.ts";

/** Where lines go, and whether anything is done at all. */
export type Manner = { say(line: string): void; isDry: boolean };

/** Makes the steps; returns the folders that were made, outermost first. Throws what the system refuses. */
export function carryOut(steps: readonly Step[], tree: Tree, { say, isDry }: Manner): string[] {
  const folders: string[] = [];
  for (const step of steps) {
    switch (step.kind) {
      case "write":
        say(line("write", `${tree.root}${step.file.path}`, modeText(step.file)));
        if (!isDry) {
          folders.push(...tree.put(step.file.path, step.file.mode, step.file.content));
        }
        break;
      case "remove":
        say(line("remove", `${tree.root}${step.path}`));
        if (!isDry) {
          tree.remove(step.path);
        }
        break;
      case "keep":
        say(line("keep", `${tree.root}${step.path}`, step.why));
        break;
      case "same":
        break;
    }
  }
  return folders;
}

/** Takes away the folders that are empty now, innermost first; returns those that stay. */
export function removeFolders(folders: readonly string[], tree: Tree, { say, isDry }: Manner): string[] {
  if (isDry) {
    return [...folders];
  }
  return folders.toReversed().filter((folder) => {
    const isGone = tree.removeFolder(folder);
    if (isGone) {
      say(line("remove", `${tree.root}${folder}/`));
    }
    return !isGone;
  });
}

/** Runs the tasks; the error is what the first one said that must not fail. */
export function runTasks(tasks: readonly Task[], { say, isDry }: Manner): string | undefined {
  for (const { command, mayFail } of tasks) {
    say(line("run", command.join(" ")));
    if (isDry) {
      continue;
    }
    const refusal = runOne(command);
    if (refusal !== undefined && mayFail === undefined) {
      return `'${command.join(" ")}' failed: ${refusal}`;
    }
    if (refusal !== undefined) {
      say(line("", `passed over, ${mayFail} (${refusal})`));
    }
  }
  return undefined;
}

function runOne([name = "", ...args]: readonly string[]): string | undefined {
  const path = Bun.which(name);
  if (path === null) {
    return `there is no ${name} here`;
  }
  const { exitCode, stderr } = Bun.spawnSync([path, ...args], { stdout: "ignore", stderr: "pipe" });
  const [first = ""] = stderr.toString().trim().split("\n");
  return exitCode === 0 ? undefined : first || `exit code ${exitCode}`;
}

function modeText({ mode, isConfig }: InstallFile): string {
  return `${mode.toString(8).padStart(4, "0")}${isConfig ? ", configuration" : ""}`;
}

function line(what: string, about: string, more = ""): string {
  return `${what.padEnd(7)} ${about}${more === "" ? "" : `  (${more})`}`;
}
