// How a worker ended, in words.
import { refusedCall } from "../../relay/counters.ts";
import { ownArchitecture, systemCallText } from "../../shim/system-call-numbers.ts";
import type { Page } from "../counters/pages.ts";

/** "exit code 70", "signal SIGKILL"; when its sandbox refused a system call, that call by name. Clears it from the page. */
export function causeOfDeath(page: Page, exitCode: number | null, signal: string | null): string {
  const refused = page.value(refusedCall) - 1;
  page.put(refusedCall, 0);
  if (signal === null) {
    return `exit code ${exitCode}`;
  }
  const architecture = ownArchitecture();
  return signal === "SIGSYS" && refused >= 0 && architecture !== undefined
    ? `signal SIGSYS, because its sandbox forbids ${systemCallText(refused, architecture)}`
    : `signal ${signal}`;
}
