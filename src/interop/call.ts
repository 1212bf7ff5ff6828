// What the three programs do alike before they begin: help, version and mistakes of the command line are said, with their exit code.
import { type Line, type Program, read, type SubCommand } from "./clap.ts";
import type { Stage } from "./stage.ts";

/** What is to be run, or the exit code when all is said: 0 after help and version, 2 after a mistake. */
export type Call<C> = Extract<Line<C>, { kind: "run" }> | { kind: "over"; code: 0 | 2 };

/** Reads `args` (without the program's name) and says what `read` has to say. */
export function call<C extends SubCommand>(program: Program<C>, args: readonly string[], stage: Stage): Call<C> {
  const line = read(program, args);
  if (!line.ok) {
    stage.complain(line.error);
    return { kind: "over", code: 2 };
  }
  if (line.value.kind === "run") return line.value;
  stage.say(line.value.text);
  return { kind: "over", code: 0 };
}
