// The program's version: one place, the package file.
import about from "../../package.json" with { type: "json" };

/** E.g. `0.1.0`. */
export const programVersion: string = about.version;

/** What the program is called where it speaks of itself. */
export const programName: string = about.name;
