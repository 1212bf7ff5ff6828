// The last words of a worker: its totals, in the format that tools of this field read (INTEROP.md 8.2).
import type { LogPipe } from "../log/writer.ts";
import { egress, ingress, refusal, refusals, refusedFirst } from "../relay/counters.ts";

/**
 * What ingress did, then what egress did; the refusals are one number here and named in stats. A worker that never took a
 * frame stays silent: readers take the last such line for the whole, and zeros behind another's totals would mislead them.
 */
export function sayFinal(pipe: LogPipe, counters: Float64Array): void {
  const value = (at: number) => counters[at] ?? 0;
  if (value(ingress.frames) === 0) {
    return;
  }
  const log = pipe.writer("Stats");
  const refused = refusals.reduce((sum, _, index) => sum + value(refusedFirst + index), 0);
  const withoutBuffer = value(refusedFirst + refusal.large_slots_full - 1);
  log.say(
    "Info",
    `[STATS:Ingress FINAL] total: recv=${value(ingress.frames)} matched=${value(ingress.matched)} ` +
      `egr_sent=${value(egress.sent)} filtered=${refused - withoutBuffer} no_match=${value(ingress.noMatch)} buf_exhaust=${withoutBuffer}`,
  );
  log.say(
    "Info",
    `[STATS:Egress FINAL] total: sent=${value(egress.sent)} submitted=${value(egress.sent) + value(egress.failed)} ` +
      `ch_recv=${value(egress.datagrams)} errors=${value(egress.failed)} bytes=${value(egress.sentBytes)}`,
  );
}
