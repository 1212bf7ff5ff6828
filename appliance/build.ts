// Makes dist/mcr-appliance: the shim, then one executable that holds Bun, the program and the shim. Does nothing when no
// input is newer than the executable. Run by `npm run build`; appliance/bootstrap has been there before.
import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { closeDoors } from "./close-doors.ts";

const root = join(import.meta.dir, "..");
const executable = join(root, "dist/mcr-appliance");
// The second is the egress thread's: a Worker starts only from a file that is an entry point.
const entryPoints = ["src/main.ts", "src/worker/egress-thread.ts"];

function run(...command: string[]): void {
  const { exitCode } = Bun.spawnSync(command, { cwd: root, stdout: "inherit", stderr: "inherit" });
  if (exitCode !== 0) process.exit(exitCode ?? 70);
}

function changedAt(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isUpToDate(): boolean {
  // Folders too: a file that was removed changes nothing but its folder.
  const sources = [...new Glob("src/**").scanSync({ cwd: root, onlyFiles: false })];
  const inputs = [
    ...sources,
    "src",
    "build/libmcr.so",
    "build/end.bpf",
    "build/door.bpf",
    "package.json",
    "tsconfig.json",
    "package-lock.json",
    "appliance/build.ts",
    "appliance/close-doors.ts",
  ];
  const builtAt = changedAt("dist/mcr-appliance");
  return inputs.every((input) => changedAt(input) < builtAt);
}

/** The commit of this source tree, with `-dirty` where it was changed since; a tree without git does not know. */
function commitHere(): string {
  const { exitCode, stdout } = Bun.spawnSync(["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], {
    cwd: root,
    stderr: "ignore",
  });
  return exitCode === 0 ? stdout.toString().trim() : "unknown";
}

function bundle(): void {
  // Renamed into place: a relay that runs from the old file goes on, and nobody starts half a file. The name stays the same,
  // because the bundle remembers it.
  const unfinished = join(root, `dist/.unfinished-${process.pid}`);
  const outfile = join(unfinished, "mcr-appliance");
  mkdirSync(unfinished, { recursive: true });
  try {
    // A router's working directory must not configure the relay: no .env, no bunfig.toml.
    const closed = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
    const commit = ["--define", `mcrCommit=${JSON.stringify(commitHere())}`];
    run(process.execPath, "build", "--compile", ...closed, ...commit, ...entryPoints, "--outfile", outfile);
    closeDoors(outfile);
    renameSync(outfile, executable);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

run("make", "-s", "-C", "cshim");
if (!isUpToDate()) bundle();
