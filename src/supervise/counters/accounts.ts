// Conservation: what came in is what went out, was lost with a name, or is on its way. Checked on the pages of workers that run.
// Counters move while they are read, so a page is read twice, and again until both readings agree: at that moment the sums must be
// exact. A worker that never stands still for a second is judged within what can move during one look.
import type { Account } from "../../control/status.ts";
import { limits } from "../../limits.ts";
import { egress, ingress, refusals, refusedFirst } from "../../relay/counters.ts";
import type { Page } from "./pages.ts";

type Values = Float64Array;

/** All worker-wide counters but errnos: ingress, refusals, egress. */
const wholeCount = 128;

/** Accounts of `page`, the worker of place `worker`: as they stood when nothing moved, or after limits.accountWaitMs. */
export async function accountsOf(page: Page, worker: number): Promise<Account[]> {
  const deadline = performance.now() + limits.accountWaitMs;
  const start = page.copy(0, wholeCount);
  for (;;) {
    const first = page.copy(0, wholeCount);
    const second = page.copy(0, wholeCount);
    const isStill = first.every((value, at) => value === second[at]);
    const accounts = judge(second, worker);
    if (isStill && accounts.every(({ difference, parts }) => difference === 0 && !parts["waiting"])) {
      return accounts;
    }
    if (performance.now() > deadline) {
      return start.every((value, at) => value === second[at]) ? accounts.map(unmoved) : accounts;
    }
    await Bun.sleep(1);
  }
}

/** What waits in the queue of a worker that did nothing in all this time will never be taken: it is unaccounted for. */
function unmoved(account: Account): Account {
  const { waiting, ...parts } = account.parts;
  return waiting === undefined || waiting === 0
    ? account
    : { ...account, parts, difference: account.difference + waiting, holds: false };
}

/** What the counters of one reading say. */
export function judge(values: Values, worker: number): Account[] {
  const value = (at: number) => values[at] ?? 0;
  const refused = refusals.reduce((sum, _, index) => sum + value(refusedFirst + index), 0);
  const waiting = value(ingress.datagrams) - value(egress.taken);
  return [
    account(worker, "frames", "received", value(ingress.frames), limits.turnFramesMax, {
      matched: value(ingress.matched),
      no_match: value(ingress.noMatch),
      refused,
    }),
    account(worker, "queue", "matched datagrams", value(ingress.datagrams), 0, {
      taken: value(egress.taken),
      // More taken than put would be datagrams from nowhere.
      waiting: Math.min(Math.max(0, waiting), limits.queueEntries * limits.sendPiecesMax),
    }),
    account(worker, "outputs", "datagrams x outputs", value(egress.datagrams), limits.sendsMax * limits.sendPiecesMax, {
      sent: value(egress.sent),
      failed: value(egress.failed),
      dropped: value(egress.dropped),
      in_flight: value(egress.inFlight),
    }),
  ];
}

function account(
  worker: number,
  name: string,
  whole: string,
  total: number,
  tolerance: number,
  parts: Record<string, number>,
): Account {
  const difference = total - Object.values(parts).reduce((sum, each) => sum + each, 0);
  return { worker, name, whole, total, parts, difference, tolerance, holds: Math.abs(difference) <= tolerance };
}
