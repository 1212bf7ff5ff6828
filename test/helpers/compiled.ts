// The small C programs of test/fixtures/, compiled at first use.
import { mkdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./run.ts";

/** The path of the program made from test/fixtures/NAME.c; made anew after a change of that file. */
export function compiled(name: string): string {
  const source = join(import.meta.dir, `../fixtures/${name}.c`);
  const program = join(import.meta.dir, `../../build/test/${name}`);
  const builtAt = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtAt >= statSync(source).mtimeMs) return program;
  mkdirSync(dirname(program), { recursive: true });
  // Renamed into place, so that two test processes do not see half a file.
  const unfinished = `${program}.${process.pid}`;
  run(["gcc", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-o", unfinished, source]);
  renameSync(unfinished, program);
  return program;
}
