// Frames that the kernel dropped before anybody saw them: /proc/net/softnet_stat (net/core/net-procfs.c, softnet_seq_show).
import { counted, fine, unseen, type Verdict } from "./verdict.ts";

/** Of one core since the machine started. */
export type SoftnetRow = { processed: number; dropped: number };

/** `backlogMax`: net.core.netdev_max_backlog, undefined outside of the machine's own network namespace. */
export type BacklogFacts = { rows: readonly SoftnetRow[] | undefined; backlogMax: number | undefined };

const id = "softnet";
/** Room for 100 ms at 100,000 frames a second. */
const backlogWanted = 10_000;
/** Below this share a burst now and then explains it. */
const shareNoted = 1e-5;

/** Whether queues between the card and the taps were too short. */
export function judgeBacklog({ rows, backlogMax }: BacklogFacts): Verdict[] {
  if (rows === undefined) {
    return [unseen(id, "/proc/net/softnet_stat cannot be read here.")];
  }
  const dropped = rows.reduce((sum, row) => sum + row.dropped, 0);
  const processed = rows.reduce((sum, row) => sum + row.processed, 0);
  if (dropped === 0) {
    return [fine(id, "no frame was dropped before it was captured")];
  }
  const isShort = backlogMax === undefined || backlogMax < backlogWanted;
  const isGrave = isShort && dropped > processed * shareNoted;
  return [
    {
      id,
      severity: isGrave ? "warning" : "note",
      what: `The kernel dropped ${counted(dropped)} of ${counted(dropped + processed)} frames before any program saw them, since this machine started.`,
      why: "A core's queue of frames was full (softnet_stat). No counter of the relay shows these.",
      ...(isShort
        ? { commands: [{ sysctl: "net.core.netdev_max_backlog", value: String(backlogWanted) }] }
        : {
            advice:
              "The queue is long by now. If the number still grows, spread the link over more cores (see queues).",
          }),
    },
  ];
}

/** A line a core, hexadecimal: processed, dropped, … */
export function parseSoftnet(text: string): SoftnetRow[] {
  return text.split("\n").flatMap((line) => {
    const [processed, dropped] = line.trim().split(/\s+/);
    return processed === undefined || dropped === undefined
      ? []
      : [{ processed: Number.parseInt(processed, 16), dropped: Number.parseInt(dropped, 16) }];
  });
}
