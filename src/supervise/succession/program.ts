// The program that is on disk now, where ours was started from.
import { accessSync, constants, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { done, failed, type Outcome, reasonOf } from "../../base/outcome.ts";

/** How it is started: what execve(2) gets. `path` is also what an operator replaces. */
export type Program = { path: string; args: readonly string[] };

/**
 * To be asked at the start, before anybody replaces the file: the name that we were called by, where that is us, because it may be a
 * link that an upgrade points elsewhere; else the file that runs.
 */
export function ownProgram(): Program {
  const given = process.argv.slice(2);
  if (!Bun.main.startsWith("/$bunfs/")) {
    return { path: process.execPath, args: [basename(process.execPath), Bun.main, ...given] };
  }
  const running = readlinkSync("/proc/self/exe");
  const called = process.argv0.includes("/") ? resolve(process.argv0) : Bun.which(process.argv0);
  return { path: called !== null && leadsTo(called, running) ? called : running, args: [process.argv0, ...given] };
}

function leadsTo(path: string, target: string): boolean {
  try {
    return realpathSync(path) === target;
  } catch {
    // Called by a name that is no path: what runs has one.
    return false;
  }
}

/** Which file is there; another text: another file, or the same one written anew. */
export function identityOf({ path }: Program): Outcome<string> {
  try {
    accessSync(path, constants.X_OK);
    const { dev, ino, size, mtimeMs } = statSync(path);
    return done(`${dev} ${ino} ${size} ${mtimeMs}`);
  } catch (thrown) {
    return failed(`${path} cannot be executed (${reasonOf(thrown)}); install the program there first`);
  }
}
