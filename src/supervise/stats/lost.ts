// What was lost, and when: by capture rings, by outputs, by refusals. Counters say how much; how long ago is seen by looking once a period.
import { outputField, outputFirst, outputSize } from "../../relay/counters.ts";
import type { Captures } from "../capture/captures.ts";
import { Growth, type Seen } from "../counters/growth.ts";
import { type OutputTotals, outputTotals, sumAt } from "../counters/pages.ts";
import type { LiveOutput } from "../outputs/outputs.ts";
import type { Relaying } from "../rules/relaying.ts";
import { outputsWhere } from "../rules/roster.ts";
import type { Workers } from "../workers/workers.ts";
import { framesOf } from "./worker-stats.ts";

/** Where the counters are. */
export type LostParts = {
  relaying: Pick<Relaying, "book">;
  workers: Pick<Workers, "pages">;
  captures: Pick<Captures, "kernelDrops">;
};

/** Totals since the start. */
export type Losses = {
  /** Frames without room in a capture ring, by link. */
  kernelDrops: ReadonlyMap<string, number>;
  /** Frames that were not forwarded, by the name of the refusal. */
  refusals: Readonly<Record<string, number>>;
  /** Outputs that ever dropped a datagram, by reason; `counter` tells two of the same words apart. */
  outputs: readonly { rule: string; where: string; counter: number; drops: Readonly<Record<string, number>> }[];
};

/** Counters of what was lost, with their ages. */
export class Lost {
  private readonly parts: LostParts;
  private readonly links = new Growth<string>();
  private readonly outputs = new Growth<number>();

  constructor(parts: LostParts) {
    this.parts = parts;
  }

  /** To be called once a period: ages are as exact as that. */
  sample(nowMs: number): void {
    const { relaying, captures } = this.parts;
    for (const [link, drops] of captures.kernelDrops().byLink()) {
      this.links.note(link, drops, nowMs);
    }
    for (const place of relaying.book.roster.outputPlaces) {
      this.outputs.note(place, this.droppedBy(place), nowMs);
    }
  }

  /** Frames of a link that found no room in a capture ring. */
  inKernel(linkName: string, nowMs: number): Seen {
    const count = this.parts.captures.kernelDrops().ofLink(linkName);
    return { count, age: this.links.quietSeconds(linkName, count, nowMs) };
  }

  /** Datagrams that an output gave up on. */
  atOutput({ counter }: LiveOutput, nowMs: number): Seen {
    const count = this.droppedBy(counter);
    return { count, age: this.outputs.quietSeconds(counter, count, nowMs) };
  }

  totals(): Losses {
    const { pages } = this.parts.workers;
    const drops = this.parts.captures.kernelDrops();
    const dropping = outputsWhere(this.parts.relaying.book.roster, (place) => this.droppedBy(place) > 0);
    const outputs = dropping.map(({ owner: { rule }, live: { output, counter } }) => ({
      rule: rule.name ?? rule.rule_id,
      where: `${output.interface} ${output.group}:${output.port}`,
      counter,
      drops: dropReasons(outputTotals(pages, counter)),
    }));
    return { kernelDrops: drops.byLink(), refusals: framesOf(pages, drops.total).refusals, outputs };
  }

  private droppedBy(counter: number): number {
    return sumAt(this.parts.workers.pages, outputFirst + counter * outputSize + outputField.dropped);
  }
}

/** Why an output's datagrams were dropped; only what happened. */
export function dropReasons(totals: OutputTotals): Record<string, number> {
  const drops = {
    pending: totals.droppedPending,
    full: totals.droppedFull,
    removed: totals.droppedRemoved,
    too_large: totals.droppedTooLarge,
    worker_died: totals.droppedDied,
  };
  return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
}
