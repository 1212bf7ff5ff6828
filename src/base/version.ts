// The program's version: one place, the package file.
import about from "../../package.json" with { type: "json" };

/** E.g. `0.1.0`. */
export const programVersion: string = about.version;

// Put in by appliance/bundle.ts.
declare const mcrCommit: string | undefined;
declare const mcrLiburing: string | undefined;

/** The commit of the source that this was built from, `unknown` where nobody said. */
export const programCommit: string = typeof mcrCommit === "string" ? mcrCommit : "unknown";

/** The version of the liburing that is linked into the shim, `unknown` where nobody said. */
export const liburingVersion: string = typeof mcrLiburing === "string" ? mcrLiburing : "unknown";

/** What the program is called where it speaks of itself. */
export const programName: string = about.name;
