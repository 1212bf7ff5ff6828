// Says in the log that datagrams are being lost, and where: an operator may not be looking at counters. A rate, never a line a datagram.
// What the kernel refused to send is told by troubles.ts.
import { limits } from "../../limits.ts";
import type { Log } from "../../log/forward.ts";
import type { Losses } from "./lost.ts";

/** What the lines are made from. */
export type LossLinesParts = {
  log: Pick<Log, "say">;
  losses: () => Losses;
  nowMs: () => number;
  /** Whether another router sends: what no output sends is no loss then. */
  isStandby?: () => boolean;
};

/** What a shared network always carries, and what no rule can want: not a loss. */
const ordinary: ReadonlySet<string> = new Set(["not_ipv4", "protocol", "own_transmission", "other_host"]);

/** Compares totals with those that it spoke of last. */
export class LossLines {
  private readonly parts: LossLinesParts;
  private said = new Map<string, number>();
  private wasStandby = false;
  private lookedMs: number;
  private waitMs: number = limits.lossFirstMs;

  constructor(parts: LossLinesParts) {
    this.parts = parts;
    this.lookedMs = parts.nowMs();
  }

  /** To be called about once a second: speaks when it is time and something was lost. What goes on is said less often. */
  tick(): void {
    if (this.parts.nowMs() - this.lookedMs >= this.waitMs) {
      this.look();
    }
  }

  /** Says what was lost since it spoke last, whether it is time or not: the program ends. */
  look(): void {
    const { losses, nowMs } = this.parts;
    const now = losses();
    const seconds = Math.round((nowMs() - this.lookedMs) / 1000);
    const next = new Map<string, number>();
    const grown = (key: string, total: number) => {
      next.set(key, total);
      return total - (this.said.get(key) ?? 0);
    };
    const lines = [
      ...this.ofLinks(now, grown, seconds),
      ...this.ofRefusals(now, grown, seconds),
      ...this.ofOutputs(now, grown, seconds),
    ];
    for (const say of lines.slice(0, limits.lossLinesMax)) {
      say();
    }
    if (lines.length > limits.lossLinesMax) {
      this.warn(`${lines.length - limits.lossLinesMax} more links and outputs lose datagrams; 'stats' shows all`, {});
    }
    this.said = next;
    this.lookedMs = nowMs();
    this.waitMs = lines.length > 0 ? limits.lossAgainMs : limits.lossFirstMs;
  }

  private *ofLinks({ kernelDrops }: Losses, grown: Grown, seconds: number): Iterable<() => void> {
    for (const [link, total] of kernelDrops) {
      const frames = grown(`link ${link}`, total);
      if (frames > 0) {
        yield () => this.warn("frames lost: the capture ring was full", { link, frames, seconds });
      }
    }
  }

  private *ofRefusals({ refusals }: Losses, grown: Grown, seconds: number): Iterable<() => void> {
    const counts = Object.entries(refusals).map(([name, total]) => [name, grown(`refusal ${name}`, total)] as const);
    const grave = counts.filter(([name, count]) => count > 0 && !ordinary.has(name));
    if (grave.length > 0) {
      yield () => this.warn("frames refused", { ...Object.fromEntries(grave), seconds });
    }
  }

  private *ofOutputs({ outputs }: Losses, grown: Grown, seconds: number): Iterable<() => void> {
    const isStandby = this.parts.isStandby?.() === true;
    // Also those of a time that has just ended.
    const isMeant = isStandby || this.wasStandby;
    this.wasStandby = isStandby;
    for (const { rule, where, counter, drops } of outputs) {
      const counts = Object.entries(drops).map(
        ([reason, total]) => [reason, grown(`output ${counter} ${reason}`, total)] as const,
      );
      const why = counts.filter(([reason, count]) => count > 0 && !(isMeant && reason === "pending"));
      if (why.length > 0) {
        const fields = { rule, output: where, ...Object.fromEntries(why), seconds };
        yield () => this.warn("datagrams dropped at an output", fields);
      }
    }
  }

  private warn(message: string, fields: Record<string, string | number>): void {
    this.parts.log.say("Warning", message, fields, "Stats");
  }
}

/** Notes a total under a name, and returns by how much it grew. */
type Grown = (key: string, total: number) => number;
