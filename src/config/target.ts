// Where somebody who speaks through the control socket may have a file written: inside the configuration's folder, nowhere else,
// unless they are root or who runs the supervisor. It has rights that others may not have.
import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";

/**
 * The path to write for `wanted` (absolute, or relative to `folder`): a *.json5 file directly in `folder` or in conf.d below it,
 * that is a regular file or not there yet. Links are followed to judge where they lead, and refused at the end.
 */
export async function targetInside(folder: string, wanted: string): Promise<Outcome<string>> {
  const refuse = (reason: string) => failed(`'${printable(wanted)}' may not be written: ${reason}`);
  if (wanted.includes("\0") || !wanted.endsWith(".json5")) {
    return refuse("the name of a configuration file ends with .json5");
  }
  const path = isAbsolute(wanted) ? wanted : join(folder, wanted);
  try {
    const home = await realpath(folder);
    const place = await realpath(dirname(path));
    if (place !== home && place !== join(home, "conf.d")) {
      return refuse(`it is not in ${home} or its conf.d; write elsewhere with 'config show > FILE'`);
    }
    const target = join(place, basename(path));
    return (await isWritable(target)) ? done(target) : refuse("there is something that is no regular file");
  } catch (thrown) {
    return refuse(reasonOf(thrown));
  }
}

/**
 * The path to write for `wanted` when somebody asks who may write anywhere as it is: root, or who runs the supervisor. Relative
 * paths count from `folder` for them too.
 */
export async function targetAnywhere(folder: string, wanted: string): Promise<Outcome<string>> {
  const refuse = (reason: string) => failed(`'${printable(wanted)}' may not be written: ${reason}`);
  const path = isAbsolute(wanted) ? wanted : join(folder, wanted);
  try {
    const target = join(await realpath(dirname(path)), basename(path));
    return (await isWritable(target)) ? done(target) : refuse("there is something that is no regular file");
  } catch (thrown) {
    return refuse(reasonOf(thrown));
  }
}

async function isWritable(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") {
      return true;
    }
    throw thrown;
  }
}
