// Where a configuration lives on disk: one main file, and conf.d beside it, in the order of names.
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import type { Problem } from "./problem.ts";

/** Read when nobody names a file; then it need not be there. */
export const configPathDefault = "/etc/mcr/mcr.json5";

/** One file of a configuration, as it was read. */
export type ConfigText = { path: string; text: string };

/** Texts, and what kept others from being read. */
export type Texts = { texts: ConfigText[]; problems: Problem[] };

/** The file at `path` and those in conf.d beside it. */
export async function readConfig(path: string): Promise<Texts> {
  const { paths, problems } = await pathsOf(path);
  const read = await readFiles(paths);
  return { texts: read.texts, problems: [...problems, ...read.problems] };
}

/** Exactly the files at `paths`. */
export async function readFiles(paths: readonly string[]): Promise<Texts> {
  const texts: ConfigText[] = [];
  const problems: Problem[] = [];
  for (const path of paths) {
    const text = await readBounded(path);
    if (text.ok) {
      texts.push({ path, text: text.value });
    } else {
      problems.push({ severity: "error", file: path, message: text.error });
    }
  }
  return { texts, problems };
}

async function pathsOf(path: string): Promise<{ paths: string[]; problems: Problem[] }> {
  const folder = join(dirname(path), "conf.d");
  const parts = await partsOf(folder);
  const message = parts.ok ? "" : parts.error;
  const problems: Problem[] = message === "" ? [] : [{ severity: "warning", file: folder, message }];
  // Without a file of that name there is nothing to fear from leaving it out, when nobody named it.
  const isThere = path !== configPathDefault || (await isFile(path));
  return { paths: [...(isThere ? [path] : []), ...(parts.ok ? parts.value : [])], problems };
}

async function isFile(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return codeOf(error) !== "ENOENT";
  }
}

/** Paths of the files in `folder`. The error says why a folder that is there is left alone. */
async function partsOf(folder: string): Promise<Outcome<string[]>> {
  try {
    const { uid, mode } = await stat(folder);
    // Beside a file in /tmp anybody can make a conf.d, and would speak with our rights.
    if ((uid !== 0 && uid !== process.geteuid?.()) || (mode & 0o002) !== 0) {
      return failed("is not read: it does not belong to root or us, or everybody may write to it");
    }
    const names = (await readdir(folder)).filter((name) => name.endsWith(".json5") && !name.startsWith(".")).sort();
    if (names.length > limits.configFilesMax) {
      return failed(`is not read: it holds ${names.length} files; at most ${limits.configFilesMax} are read`);
    }
    return done(names.map((name) => join(folder, name)));
  } catch (error) {
    return codeOf(error) === "ENOENT" ? done([]) : failed(`is not read: ${reasonOf(error)}`);
  }
}

/** The text of a file; the error is MCR's wording. */
async function readBounded(path: string): Promise<Outcome<string>> {
  const refuse = (reason: string) => failed(`failed to read config file: ${reason}`);
  try {
    // Before opening: to open a FIFO is to wait for its writer.
    const about = await stat(path);
    if (!about.isFile()) {
      return refuse("it is not a regular file");
    }
    if (about.size > limits.configSizeMax) {
      return refuse(`it has ${about.size} bytes; at most ${limits.configSizeMax} are read`);
    }
    return done(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)));
  } catch (error) {
    return refuse(reasonOf(error));
  }
}
