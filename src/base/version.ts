// The program's version: one place, the package file.
import about from "../../package.json" with { type: "json" };

/** E.g. `0.1.0`. */
export const programVersion: string = about.version;

/** Put in by appliance/build.ts. */
declare const mcrCommit: string | undefined;

/** The commit of the source that this was built from, `unknown` where nobody said. */
export const programCommit: string = typeof mcrCommit === "string" ? mcrCommit : "unknown";

/** What the program is called where it speaks of itself. */
export const programName: string = about.name;
