// A compiled executable still asks its environment whether it should be a JavaScript interpreter, load another script first, or
// open a debugger. It asks by name; the names are changed to ones that begin with "=", which no variable can have.
import { readFileSync, writeFileSync } from "node:fs";

/** What steers an executable of Bun before the program's first line; found by `strings` and in Bun's documentation. */
export const doors = [
  "BUN_BE_BUN",
  "BUN_OPTIONS",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_PRELOAD",
  "NODE_CHANNEL_FD",
] as const;

/** Changes the names in the file at `path`. Throws when one is not there: a Bun that calls it otherwise would stay open. */
export function closeDoors(path: string): void {
  const image = readFileSync(path);
  for (const name of doors) {
    // As a whole C string: inside scripts and messages the same letters mean nothing to getenv.
    const needle = Buffer.from(`\0${name}\0`);
    let at = image.indexOf(needle);
    if (at < 0) {
      throw new Error(`${path} does not ask for ${name} in a way that is known here: see appliance/close-doors.ts`);
    }
    for (; at >= 0; at = image.indexOf(needle, at + 1)) {
      image.write("=", at + 1);
    }
  }
  writeFileSync(path, image);
}
