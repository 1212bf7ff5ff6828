// The program's version: one place, the package file.
import about from "../../package.json" with { type: "json" };

/** E.g. `0.1.0`. */
export const programVersion: string = about.version;

// Put in by appliance/bundle.ts.
declare const mcrCommit: string | undefined;
declare const mcrLiburing: string | undefined;
declare const mcrLibc: string | undefined;

/** C libraries that this program runs on. */
export type Libc = "glibc" | "musl";

/** The C library that this was built for; a source tree runs on glibc. */
export const programLibc: Libc = typeof mcrLibc === "string" && mcrLibc === "musl" ? "musl" : "glibc";

/** The commit of the source that this was built from, `unknown` where nobody said. */
export const programCommit: string = typeof mcrCommit === "string" ? mcrCommit : "unknown";

/** The version of the liburing that is linked into the shim, `unknown` where nobody said. */
export const liburingVersion: string = typeof mcrLiburing === "string" ? mcrLiburing : "unknown";

/** What the program is called where it speaks of itself. */
export const programName: string = about.name;
