// The supervisor's standard error: what it is decides how lines look and how they are written without waiting.
import { constants, fstatSync, openSync, type Stats } from "node:fs";
import { codeOf } from "../../base/outcome.ts";
import { limits } from "../../limits.ts";
import type { Format } from "../../log/layout.ts";
import type { WriteBytes } from "../../log/printer.ts";
import { errno } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import { map } from "../../shim/memory.ts";
import { nonblock } from "../../shim/process.ts";

const errorOutput = 2;

/** True when systemd reads it: the variable names the very socket, and children of a service inherit the variable alone. */
export function isJournal(journalStream: string | undefined, { dev, ino }: Pick<Stats, "dev" | "ino">): boolean {
  return journalStream === `${dev}:${ino}`;
}

/** What `--log-format auto` means here (systemd.exec(5), JOURNAL_STREAM). */
export function formatHere(): Format {
  if (isJournal(process.env["JOURNAL_STREAM"], fstatSync(errorOutput))) {
    return "journal";
  }
  return isTerminal() ? "text" : "json";
}

/** True when a person is likely to look on. */
export function isTerminal(): boolean {
  return process.stderr.isTTY === true;
}

/** A way out that never waits, whoever reads at the other end and however slowly. */
export function openErrorOutput(): WriteBytes {
  const fd = openWithoutWaiting();
  const buffer = map(limits.logWriteSize);
  return (bytes) => {
    const size = Math.min(bytes.length, buffer.size);
    buffer.u8.set(size === bytes.length ? bytes : bytes.subarray(0, size));
    const taken = shim.mcr_write(fd, buffer.pointer, size);
    const isFull = taken === -errno.EAGAIN || taken === -errno.EINTR;
    return { taken: Math.max(0, taken), isGone: taken < 0 && !isFull };
  };
}

/**
 * A descriptor of our own for the same pipe or terminal. O_NONBLOCK belongs to the open file, which the shell and whoever
 * else was started with it share: set there it would break them. A file on a disk does not stall and keeps its offset; a
 * socket is written with MSG_DONTWAIT anyway.
 */
function openWithoutWaiting(): number {
  const kind = fstatSync(errorOutput);
  if (!kind.isFIFO() && !kind.isCharacterDevice()) {
    return errorOutput;
  }
  try {
    return openSync(`/proc/self/fd/${errorOutput}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (thrown) {
    // Another user's pipe (sudo), or no /proc: then the shared one, because a supervisor that waits stops everything.
    if (codeOf(thrown) === undefined) {
      throw thrown;
    }
    nonblock(errorOutput);
    return errorOutput;
  }
}
