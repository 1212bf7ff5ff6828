// From a source tree with its shim to one executable: bundled, compiled, its back doors closed. The same for the machine's own
// build (build.ts) and for each target of a release.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Libc } from "../src/base/version.ts";
import { closeDoors } from "./close-doors.ts";

/** `tree` holds src/ and build/; a foreign `target` comes with the Bun executable (`runtime`) that it is made of. */
export type Bundle = {
  tree: string;
  outfile: string;
  commit: string;
  /** Version of the liburing in the shim. */
  liburing: string;
  foreign?: { target: string; runtime: string; libc: Libc };
};

// The second is the egress thread's: a Worker starts only from a file that is an entry point.
const entryPoints = ["src/main.ts", "src/worker/egress-thread.ts"];
// A router's working directory must not configure the relay: no .env, no bunfig.toml.
const closed = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];

/** Runs `command` in `cwd` with its output to ours; ends the process with its exit code when that is not 0. */
export function run(cwd: string, ...command: string[]): void {
  const { exitCode } = Bun.spawnSync(command, { cwd, stdout: "inherit", stderr: "inherit" });
  if (exitCode !== 0) {
    process.stderr.write(`failed (${exitCode}): ${command.join(" ")}\n`);
    process.exit(exitCode ?? 70);
  }
}

/** What `command` says on standard output, trimmed; undefined when it failed. */
export function said(cwd: string, command: string[]): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync(command, { cwd, stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : undefined;
}

/** The commit of the source tree `root`, with `-dirty` where it was changed since; a tree without git does not know. */
export function commitOf(root: string): string {
  return said(root, ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]) ?? "unknown";
}

/** The version that a .pc or .spec file of liburing says; `unknown` where there is none (2.3 has no such macro). */
export function liburingOf(path: string): string {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return /^Version: *(\S+)$/m.exec(text)?.[1] ?? "unknown";
}

/** Makes the executable. Ends the process where the bundler fails, throws where a back door is not found. */
export function bundle({ tree, outfile, commit, liburing, foreign }: Bundle): void {
  // Renamed into place: a relay that runs from the old file goes on, and nobody starts half a file. The name is always the same,
  // because the bundle remembers it.
  const unfinished = join(dirname(outfile), `.unfinished-${process.pid}`);
  const made = join(unfinished, "mcr-appliance");
  mkdirSync(unfinished, { recursive: true });
  try {
    const facts = { mcrCommit: commit, mcrLiburing: liburing, mcrLibc: foreign?.libc ?? "glibc" };
    const defines = Object.entries(facts).flatMap(([name, text]) => ["--define", `${name}=${JSON.stringify(text)}`]);
    const target = foreign && [`--target=${foreign.target}`, `--compile-executable-path=${foreign.runtime}`];
    const how = ["--compile", ...closed, ...defines, ...(target ?? [])];
    run(tree, process.execPath, "build", ...how, ...entryPoints, "--outfile", made);
    closeDoors(made);
    renameSync(made, outfile);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
