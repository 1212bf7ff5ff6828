// Compiles the bench's C programs into build/bench, at first use and after a change.
import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { run, runAnyway } from "../helpers/run.ts";

const here = import.meta.dir;
const builtDir = join(here, "../../build/bench");
const libraries: Record<string, string[]> = {
  "gen.c": ["-lm"],
  "counter.c": ["-l:libbpf.a", "-l:libelf.a", "-l:libz.a"],
  "peers/uring.c": ["-l:liburing.a"],
  "trials/io-uring.c": ["-l:liburing.a"],
};

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A source is as young as the youngest header beside it. */
function sourceChangedAt(source: string): number {
  const headers = readdirSync(dirname(source)).filter((name) => name.endsWith(".h"));
  return Math.max(...[source, ...headers.map((name) => join(dirname(source), name))].map(changedAt));
}

/** Renamed into place, so that two benches do not see half a file. */
function build(source: string, target: string, command: (unfinished: string) => string[]): string {
  const built = join(builtDir, target);
  if (changedAt(built) >= sourceChangedAt(source)) return built;
  mkdirSync(builtDir, { recursive: true });
  const unfinished = `${built}.${process.pid}`;
  run(command(unfinished));
  renameSync(unfinished, built);
  return built;
}

/** Path of the program made from a C file of this folder, such as `peers/plain.c`. */
export function program(name: string): string {
  const source = join(here, name);
  const strict = ["-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-D_GNU_SOURCE"];
  return build(source, basename(name, ".c"), (unfinished) => [
    "gcc",
    ...strict,
    "-o",
    unfinished,
    source,
    ...(libraries[name] ?? []),
  ]);
}

function clang(source: string, target: string, includes: readonly string[]): string[] {
  // Where Debian puts asm/types.h; clang for the bpf target does not look there by itself.
  const triplet = runAnyway(["gcc", "-print-multiarch"]).stdout.trim();
  const dirs = [`/usr/include/${triplet}`, ...includes].flatMap((dir) => ["-I", dir]);
  return ["clang", "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", ...dirs, "-c", source, "-o", target];
}

/** Path of the object made from a BPF program of this folder. */
export function bpfObject(name: string): string {
  const source = join(here, name);
  return build(source, `${basename(name, ".c")}.o`, (unfinished) => clang(source, unfinished, []));
}

/** As `bpfObject`, made anew into `dir`, where a header that the program includes lies. */
export function bpfObjectWith(name: string, dir: string): string {
  const target = join(dir, `${basename(name, ".c")}.o`);
  run(clang(join(here, name), target, [dir]));
  return target;
}
