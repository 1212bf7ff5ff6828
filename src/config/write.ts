// Puts a text in the place of a file so that whoever reads it finds the old text or the new one, whole, also after a power cut:
// written beside it, forced to disk, renamed, and the rename forced to disk. Every step goes through `FileSteps`, so that a
// test can end the process between any two of them.
import { type FileHandle, lstat, open, realpath, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import type { ConfigText } from "./files.ts";

/** What is done to files, one step a call. */
export type FileSteps = {
  create(path: string, mode: number): Promise<FileHandle>;
  own(file: FileHandle, uid: number, gid: number): Promise<void>;
  write(file: FileHandle, text: string): Promise<void>;
  sync(file: FileHandle): Promise<void>;
  close(file: FileHandle): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
};

/** The steps as the system makes them. */
export const fileSteps: FileSteps = {
  // "wx": whatever lies there was removed before; to follow a link that somebody put there since would write elsewhere.
  create: (path, mode) => open(path, "wx", mode),
  own: (file, uid, gid) => file.chown(uid, gid),
  write: (file, text) => file.writeFile(text),
  sync: (file) => file.sync(),
  close: (file) => file.close(),
  rename: (from, to) => rename(from, to),
  syncFolder: async (path) => {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

type Owned = { uid: number; gid: number; mode: number };

/** Readable for all who could read the file; a new one for the group at most. */
const modeOfNewFile = 0o640;

/**
 * Writes each text in the place of its file, one after the other; the error says which could not be written. Then those before
 * it are written and those behind it are not, each of them whole.
 */
export async function writeAll(texts: readonly ConfigText[], steps: FileSteps = fileSteps): Promise<Outcome<void>> {
  for (const { path, text } of texts) {
    try {
      await replaceFile(path, text, steps);
    } catch (thrown) {
      return failed(`${printable(path)}: ${reasonOf(thrown)}`);
    }
  }
  return done(undefined);
}

async function replaceFile(path: string, text: string, steps: FileSteps): Promise<void> {
  // A file that is reached by a link stays where it is.
  const real = await resolved(path);
  const before = await about(real);
  // Not *.json5, and hidden: conf.d never reads what a power cut left behind, and the next save takes it away.
  const beside = join(dirname(real), `.${basename(real)}.new`);
  await removed(beside);
  try {
    await writeBeside(beside, text, before, steps);
    await steps.rename(beside, real);
  } catch (thrown) {
    // Half a text would lie on a disk that is full perhaps because of it.
    await removed(beside);
    throw thrown;
  }
  await steps.syncFolder(dirname(real));
}

async function writeBeside(path: string, text: string, before: Owned | undefined, steps: FileSteps): Promise<void> {
  const file = await steps.create(path, before === undefined ? modeOfNewFile : before.mode & 0o777);
  try {
    if (before !== undefined) {
      await keepOwner(file, before, steps);
    }
    await steps.write(file, text);
    await steps.sync(file);
  } finally {
    await steps.close(file);
  }
}

/**
 * Gives the file to the owner and group of the one before. The service's user may do that with neither what root nor what a package
 * put there: then it owns the file, and the group must stay only where it may do more than everybody.
 */
async function keepOwner(file: FileHandle, before: Owned, steps: FileSteps): Promise<void> {
  const self = process.geteuid?.() ?? before.uid;
  for (const uid of [before.uid, self]) {
    try {
      return await steps.own(file, uid, before.gid);
    } catch (thrown) {
      if (codeOf(thrown) !== "EPERM") {
        throw thrown;
      }
    }
  }
  const [group, others] = [(before.mode >> 3) & 0o7, before.mode & 0o7];
  if ((group & ~others) !== 0) {
    throw new Error(
      `user ${self} may not give a new file its group (${before.gid}), which may read or write it: chgrp mcr it, or let root save`,
    );
  }
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") {
      return join(await realpath(dirname(path)), basename(path));
    }
    throw thrown;
  }
}

async function about(path: string) {
  try {
    return await lstat(path);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") {
      return undefined;
    }
    throw thrown;
  }
}

async function removed(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (thrown) {
    if (codeOf(thrown) !== "ENOENT") {
      throw thrown;
    }
  }
}
