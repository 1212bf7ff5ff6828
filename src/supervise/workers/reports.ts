// What a worker says, read as the words of a stranger: any split of the bytes gives the same reports, and what is not
// understood ends the worker. It holds at most one report.
import { z } from "zod";
import { FrameReader } from "../../base/frames.ts";
import { reasonOf } from "../../base/outcome.ts";
import { limits } from "../../limits.ts";
import { type Report, report } from "../../worker/orders.ts";

const bodies = z
  .pipe(
    z.string(),
    z.transform((text: string, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch (thrown) {
        context.issues.push({ code: "custom", message: reasonOf(thrown), input: text });
        return z.NEVER;
      }
    }),
  )
  .pipe(report);

/** Whom the reader tells. After `refused` it reads nothing more. */
export type ReportEvents = { heard: (report: Report) => void; refused: (reason: string) => void };

/** The reports of one worker, as its bytes come in. Nothing it is given makes it throw. */
export class ReportReader {
  private readonly events: ReportEvents;
  private readonly frames = new FrameReader(limits.reportSizeMax);
  private readonly decoder = new TextDecoder();
  private isRefused = false;

  constructor(events: ReportEvents) {
    this.events = events;
  }

  /** Takes the next bytes of the stream. */
  push(bytes: Uint8Array): void {
    if (this.isRefused) {
      return;
    }
    const read = this.frames.push(bytes);
    for (const body of "refused" in read ? read.bodies : read) {
      const said = bodies.safeParse(this.decoder.decode(body));
      if (!said.success) {
        this.refuse(`a report that is not understood (${z.prettifyError(said.error).slice(0, 200)})`);
        return;
      }
      this.events.heard(said.data);
    }
    if ("refused" in read) {
      this.refuse(`its reports cannot be read: ${read.refused}`);
    }
  }

  private refuse(reason: string): void {
    this.isRefused = true;
    this.events.refused(reason);
  }
}
