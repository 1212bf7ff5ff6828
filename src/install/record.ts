// What was installed, written down beside it: by this an upgrade knows what nobody has edited, and `uninstall` what is ours.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { inits } from "./files.ts";

/** Not under /var, which OpenWrt forgets. */
export const recordPath = "/usr/lib/mcr-appliance/installed.json";

const recordSchema = z.object({
  version: z.string(),
  init: z.enum(inits),
  /** Hashes are of what was written, whatever stands there now. */
  files: z.array(z.object({ path: z.string().startsWith("/"), sha256: z.string(), isConfig: z.boolean() })),
  /** Folders that were not there before, outermost first. */
  folders: z.array(z.string().startsWith("/")),
});

/** Paths are those of the system that is installed into, without its root. */
export type InstallRecord = z.infer<typeof recordSchema>;

/** The record under `root`; undefined where nothing was installed. */
export function readRecord(root: string): Outcome<InstallRecord | undefined> {
  const path = root + recordPath;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    return codeOf(thrown) === "ENOENT" ? done(undefined) : failed(`${path} cannot be read: ${reasonOf(thrown)}`);
  }
  try {
    const parsed = recordSchema.safeParse(JSON.parse(text));
    return parsed.success ? done(parsed.data) : failed(`${path} is no record of an installation. ${advice}`);
  } catch (thrown) {
    return failed(`${path} is no JSON (${reasonOf(thrown)}). ${advice}`);
  }
}

const advice = "Remove it, and 'install' takes the files that are there for edited ones.";
