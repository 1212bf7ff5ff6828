// The program from its sources as an executable file, for scripts that call it: they are tested before anything is compiled.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes `path`, which then is mcr-appliance. */
export function writeSourceBinary(path: string): void {
  const main = join(import.meta.dir, "../../src/main.ts");
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(path, 0o755);
}
