// Whether this process is to take over from a supervisor, or only to try whether it could. Said in the environment, by the number of
// a descriptor behind which the will is.
import { readFileSync } from "node:fs";
import { errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import { mapFd, memfd } from "../../shim/memory.ts";
import { readWill, type Will } from "./will.ts";

const marker = "MCR_SUCCESSION";
const asRehearsal = "rehearsal";

/** What is asked of us; `will` may be one that we do not understand. */
export type Calling = { isRehearsal: boolean; will: Will | { refused: string } };

/** To be asked once. Undefined: nothing is, this is a start like any other. */
export function calling(): Calling | undefined {
  const [who, descriptor = ""] = (process.env[marker] ?? "").split(":");
  delete process.env[marker];
  // A successor is the very process that wrote this: nobody else can have meant us.
  const isRehearsal = who === asRehearsal;
  if (!isRehearsal && who !== String(process.pid)) {
    return undefined;
  }
  const fd = Number(descriptor);
  const text = readFileSync(`/proc/self/fd/${fd}`, "utf8");
  shim.mcr_close(fd);
  return { isRehearsal, will: readWill(text) };
}

/** The environment in which a program takes over, or rehearses: `fd` is the will's there. */
export function environmentFor(kind: "heir" | "rehearsal", fd: number): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return {
    ...Object.fromEntries(kept),
    [marker]: `${kind === "heir" ? process.pid : asRehearsal}:${fd}`,
  };
}

/** A descriptor behind which `text` is; or why there is no memory for it. */
export function holdText(text: string): number | { refused: string } {
  const bytes = new TextEncoder().encode(text);
  // Mapped sizes are multiples of 8; JSON may end with blanks.
  const size = Math.ceil(bytes.length / 8) * 8;
  const fd = memfd("mcr-will", size);
  const mapped = fd < 0 ? undefined : mapFd(fd, size);
  if (mapped === undefined) {
    const why = fd < 0 ? ` (${errnoName(fd)})` : "";
    return { refused: `there is no memory for ${size} bytes that are handed over${why}` };
  }
  mapped.u8.fill(0x20);
  mapped.u8.set(bytes);
  mapped.close();
  return fd;
}
