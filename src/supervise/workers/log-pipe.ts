// A worker's log as it comes out of the pipe that is its standard error.
import type { LogTaker } from "../../log/forward.ts";
import { shim } from "../../shim/library.ts";

/** Hands on what comes through `fd` until the other end is closed everywhere, then closes it. */
export async function readLog(fd: number, log: LogTaker): Promise<void> {
  try {
    for await (const bytes of Bun.file(fd).stream()) {
      log.push(bytes);
    }
  } finally {
    log.end();
    shim.mcr_close(fd);
  }
}
