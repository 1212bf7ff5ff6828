// Outputs in trouble: which were refused a send, and whose next hop does not answer to ARP. The kernel takes what is sent to
// such a neighbour and drops it; nobody tells a socket that is bound to a link (the ICMP message for it comes in by loopback).
import { formatIpv4, isMulticast, parseIpv4 } from "../../base/ipv4.ts";
import type { Log } from "../../log/forward.ts";
import { outputErrors, outputTotals, wasRefused } from "../counters/pages.ts";
import type { Links } from "../kernel/links.ts";
import { silentNeighbours } from "../kernel/neighbours.ts";
import { OutputAlarms, type OutputCounts } from "../outputs/output-alarms.ts";
import type { LiveOutput } from "../outputs/outputs.ts";
import type { Relaying } from "../rules/relaying.ts";
import { outputsWhere } from "../rules/roster.ts";
import type { Workers } from "../workers/workers.ts";

/** What is looked at, and where it is said. */
export type TroublesParts = {
  relaying: Pick<Relaying, "book">;
  workers: Pick<Workers, "pages">;
  links: Pick<Links, "table" | "gatewayTo">;
  log: Pick<Log, "say">;
};

/** Looks for trouble once a period, and says what is new of it. */
export class Troubles {
  private readonly parts: TroublesParts;
  private readonly alarms = new OutputAlarms();
  private silentBefore: ReadonlySet<string> = new Set();
  /** By the output's place in the counter page. */
  private hops = new Map<number, string>();

  constructor(parts: TroublesParts) {
    this.parts = parts;
  }

  /** The neighbour that does not answer, for the output at place `counter` of the counter page. */
  silentHop(counter: number): string | undefined {
    return this.hops.get(counter);
  }

  /** To be called once a period. */
  look(nowMs: number): void {
    this.lookForSilence();
    for (const { level, message, fields } of this.alarms.look(this.counts(), nowMs)) {
      this.parts.log.say(level, message, fields);
    }
  }

  /** A neighbour that is asked for the first time is silent for a moment: only who is at two looks in a row counts. */
  private lookForSilence(): void {
    const now = silentNeighbours();
    const silent = now.intersection(this.silentBefore);
    this.silentBefore = now;
    this.hops = new Map();
    if (silent.size === 0) {
      return;
    }
    for (const { live } of this.parts.relaying.book.roster.outputs) {
      const hop = live.pending === undefined ? this.hopOf(live, silent) : undefined;
      if (hop !== undefined) {
        this.hops.set(live.counter, hop);
      }
    }
  }

  /** The next hop, if it is one of the silent. A gateway is asked for only where a neighbour of that link is silent at all. */
  private hopOf({ output }: LiveOutput, silent: ReadonlySet<string>): string | undefined {
    const address = parseIpv4(output.group) ?? 0;
    const link = this.parts.links.table().get(output.interface);
    if (link === undefined || isMulticast(address)) {
      return undefined;
    }
    if (silent.has(`${link.name} ${output.group}`)) {
      return output.group;
    }
    if (![...silent].some((each) => each.startsWith(`${link.name} `))) {
      return undefined;
    }
    const gateway = this.parts.links.gatewayTo(address, link.index);
    const hop = gateway === undefined ? undefined : formatIpv4(gateway);
    return hop !== undefined && silent.has(`${link.name} ${hop}`) ? hop : undefined;
  }

  private *counts(): Iterable<OutputCounts> {
    const { relaying, workers } = this.parts;
    const { pages } = workers;
    const isTroubled = (place: number) => wasRefused(pages, place) || this.hops.has(place);
    for (const { owner, live } of outputsWhere(relaying.book.roster, isTroubled)) {
      const { output, counter } = live;
      const { failed, sent } = outputTotals(pages, counter);
      yield {
        key: `${owner.serial} ${counter}`,
        rule: owner.rule.name ?? owner.rule.rule_id,
        where: `${output.interface} ${output.group}:${output.port}`,
        refused: outputErrors(pages, counter),
        failed,
        sent,
        silentHop: this.hops.get(counter),
      };
    }
  }
}
