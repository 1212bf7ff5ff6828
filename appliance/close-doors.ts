// A compiled executable still asks its environment whether it should be a JavaScript interpreter, load another script first, or
// open a debugger. It asks by name; the names are changed to ones that begin with "=", which no variable can have.
import { readFileSync, writeFileSync } from "node:fs";

/**
 * What steers an executable of Bun before the program's first line, or writes files behind its last; found by `strings` and in Bun's
 * documentation.
 */
export const doors = [
  "BUN_BE_BUN",
  "BUN_OPTIONS",
  "BUN_INSPECT",
  "BUN_INSPECT_CONNECT_TO",
  "BUN_INSPECT_PRELOAD",
  "BUN_BYTECODE_DIGEST_OUT",
  "BUN_BYTECODE_ORDER_OUT",
  "BUN_BYTECODE_ORDER_NAMES_OUT",
  "NODE_CHANNEL_FD",
] as const;

/**
 * Options of the engine, given as BUN_JSC_NAME, that make it more than slower: the first gives functions other bodies, from a file, the
 * second takes options from one. An option that is not known ends the program.
 */
export const engineDoors = ["functionOverrides", "configFile"] as const;

/** Changes the names in the file at `path`. Throws when one is not there: a Bun that calls it otherwise would stay open. */
export function closeDoors(path: string): void {
  const image = readFileSync(path);
  for (const name of doors) {
    close(path, image, name, 0);
  }
  for (const name of engineDoors) {
    // The option's own name is the end of its variable's.
    close(path, image, `JSC_${name}`, "JSC_".length);
  }
  writeFileSync(path, image);
}

function close(path: string, image: Buffer, name: string, changedAt: number): void {
  // As a whole C string: inside scripts and messages the same letters mean nothing to getenv.
  const needle = Buffer.from(`\0${name}\0`);
  let at = image.indexOf(needle);
  if (at < 0) {
    throw new Error(`${path} does not ask for ${name} in a way that is known here: see appliance/close-doors.ts`);
  }
  for (; at >= 0; at = image.indexOf(needle, at + 1)) {
    image.write("=", at + 1 + changedAt);
  }
}
