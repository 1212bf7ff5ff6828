// What the supervisor does so that its workers are born with less and see less of the machine: no right by any program, a root
// without a file system, an IPC namespace in which there is nothing. What takes a right that we do not have is said once.
import { mkdtempSync, openSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { done, failed, type Outcome, reasonOf } from "../../base/outcome.ts";
import type { Log } from "../../log/forward.ts";
import { clearAmbient } from "../../shim/capabilities.ts";
import { privilegesFinal } from "../../shim/system-call.ts";

/**
 * Called by the thread that will start workers, before it does: they inherit what it is. Returns a directory for them to make
 * their root, if they can; says what they will have in view for lack of a right. `hasOwnIpc`: see clean-start.ts.
 */
export function isolate(hasOwnIpc: boolean, log: Pick<Log, "say">): number | undefined {
  privilegesFinal();
  clearAmbient();
  const isRoot = process.geteuid?.() === 0;
  const root = isRoot ? openEmptyRoot() : failed("the file system (workers can leave it when the supervisor is root)");
  const missing = root.ok ? [] : [root.error];
  if (!hasOwnIpc) {
    missing.push("System V and POSIX queues (a namespace of its own takes CAP_SYS_ADMIN at the start)");
  }
  if (missing.length > 0) {
    log.say("Notice", "workers keep in view what they have no use for", { what: missing.join("; ") });
  }
  return root.ok ? root.value : undefined;
}

/** A directory that was removed while we hold it: nothing is in it, nothing can be put there, and no name leads to it. */
function openEmptyRoot(): Outcome<number> {
  const refusals: string[] = [];
  for (const parent of [process.env["RUNTIME_DIRECTORY"], "/run", tmpdir()]) {
    if (!parent) {
      continue;
    }
    let directory: string | undefined;
    try {
      directory = mkdtempSync(join(parent, "mcr-empty-"));
      return done(openSync(directory, "r"));
    } catch (thrown) {
      refusals.push(reasonOf(thrown));
    } finally {
      if (directory !== undefined) {
        rmdirSync(directory);
      }
    }
  }
  return failed(`the file system (no directory could be made: ${refusals.join("; ")})`);
}
