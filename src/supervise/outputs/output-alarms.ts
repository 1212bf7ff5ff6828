// Says in the log that an output fails, why, and that it works again: the first time at once, then a line a period however many
// sends fail. A worker only counts; here the counters are compared once a second. Pure: facts in, lines out.
import { errnoWords } from "../../control/errno-words.ts";
import { limits } from "../../limits.ts";

/** What an output's counters say now. `refused`: sends that the kernel refused, by errno name. */
export type OutputCounts = {
  key: string;
  rule: string;
  where: string;
  refused: Readonly<Record<string, number>>;
  failed: number;
  sent: number;
  /** The neighbour on the way that does not answer to ARP. */
  silentHop?: string | undefined;
};

/** A line for the log. */
export type Alarm = { level: "Warning" | "Notice"; message: string; fields: Record<string, string | number> };

/** By these the kernel asks to wait or for another shape; what was in the send went out another way, or is counted as dropped. */
const harmless = new Set(["EAGAIN", "ENOBUFS", "EIO", "EINVAL", "EMSGSIZE"]);

type Known = {
  refused: Readonly<Record<string, number>>;
  failed: number;
  sent: number;
  failedAtMs: number;
  saidMs: number;
};

/** Remembers of each output that fails what was said of it, and forgets those that are gone. */
export class OutputAlarms {
  private known = new Map<string, Known>();

  /** Looks at every output that ever was refused a send or reaches nobody; returns the lines that are due. */
  look(outputs: Iterable<OutputCounts>, nowMs: number): Alarm[] {
    const alarms: Alarm[] = [];
    const seen = new Map<string, Known>();
    let unsaid = 0;
    for (const counts of outputs) {
      const known = this.known.get(counts.key) ?? { refused: {}, failed: 0, sent: 0, failedAtMs: -1, saidMs: -1 };
      seen.set(counts.key, known);
      const alarm = judge(counts, known, nowMs);
      if (alarm !== undefined && alarms.length < limits.outputAlarmsMax) {
        alarms.push(alarm);
      } else if (alarm !== undefined) {
        unsaid++;
      }
    }
    this.known = seen;
    if (unsaid > 0) {
      alarms.push({ level: "Warning", message: "more outputs fail; 'stats' shows all", fields: { outputs: unsaid } });
    }
    return alarms;
  }
}

function judge(counts: OutputCounts, known: Known, nowMs: number): Alarm | undefined {
  const { rule, where, refused, failed, sent } = counts;
  const trouble = troubleOf(counts, known);
  if (trouble !== undefined) {
    known.failedAtMs = nowMs;
  }
  if (trouble !== undefined && (known.saidMs < 0 || nowMs - known.saidMs >= limits.outputAlarmPeriodMs)) {
    const since = { failed: failed - known.failed, sent: sent - known.sent };
    Object.assign(known, { refused, failed, sent, saidMs: nowMs });
    const fields = { rule, output: where, ...trouble.fields, ...since };
    return { level: "Warning", message: `an output fails: ${trouble.words}`, fields };
  }
  const isQuiet = known.saidMs >= 0 && nowMs - known.failedAtMs >= limits.outputAlarmPeriodMs;
  if (isQuiet && sent > known.sent) {
    Object.assign(known, { refused, failed, sent, saidMs: -1 });
    return { level: "Notice", message: "an output works again", fields: { rule, output: where } };
  }
  return undefined;
}

/** What is wrong now: a silent neighbour, or of the errors that became more since the last line the one that grew most. */
function troubleOf(
  { refused, silentHop }: OutputCounts,
  known: Known,
): (Pick<Alarm, "fields"> & { words: string }) | undefined {
  if (silentHop !== undefined) {
    const words = `${silentHop} does not answer to ARP; the kernel drops what is sent to it, though it counts as sent`;
    return { words, fields: { neighbour: silentHop } };
  }
  const risen = Object.entries(refused)
    .map(([error, count]) => ({ error, refused: count - (known.refused[error] ?? 0) }))
    .filter((each) => each.refused > 0 && !harmless.has(each.error))
    .sort((a, b) => b.refused - a.refused);
  const [worst] = risen;
  return worst && { words: errnoWords(worst.error), fields: worst };
}
