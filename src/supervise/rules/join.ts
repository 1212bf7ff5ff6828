// What running rules want to hear, made true: the filters of capture sockets, then memberships, so that what is joined passes.
import { formatIpv4 } from "../../base/ipv4.ts";
import { errno } from "../../shim/errno.ts";
import { failureText } from "../../shim/socket.ts";
import type { CapturedLink, Captures } from "../capture/captures.ts";
import type { Memberships } from "../kernel/memberships.ts";
import { type LiveRule, membershipsOf, wantedOf } from "./live-rule.ts";

/** Who carries it out, and who is told what was refused. */
export type JoinParts = {
  captures: Captures;
  memberships: Memberships;
  onNews: (level: "Error", message: string) => void;
};

/** Filters and memberships. What is refused is said once, until it is refused no more, and tried again each time. */
export class Joins {
  private readonly parts: JoinParts;
  private refusals: ReadonlySet<string> = new Set();

  constructor(parts: JoinParts) {
    this.parts = parts;
  }

  /** Whether something of the last time was refused. */
  get hasRefusals(): boolean {
    return this.refusals.size > 0;
  }

  /**
   * Brings all in line with `lives`. `lost`: links that are gone, though one with the same index may be there: the kernel has
   * forgotten what our sockets still claim of them.
   */
  follow(lives: readonly LiveRule[], lost: readonly CapturedLink[] = []): void {
    const { captures, memberships, onNews } = this.parts;
    const running = lives.filter((live) => live.pending === undefined);
    const wanting = Map.groupBy(
      running.flatMap((live) => live.captures.map((captured) => ({ captured, wanted: wantedOf(live) }))),
      ({ captured }) => captured,
    );
    const refusals: string[] = [];
    for (const captured of captures.list()) {
      const refused = captures.want(
        captured,
        (wanting.get(captured) ?? []).map(({ wanted }) => wanted),
      );
      refusals.push(...(refused === undefined ? [] : [refused]));
    }
    const failures = memberships.sync(running.flatMap(membershipsOf));
    failures.push(...lost.flatMap(({ link }) => memberships.rejoin(link.index)));
    // A link that went since it was looked at: its bell has rung, and then its rules will wait.
    for (const failure of failures.filter(({ errno: code }) => code !== errno.ENODEV)) {
      refusals.push(`group ${formatIpv4(failure.group)} could not be joined: ${failureText(failure)}`);
    }
    const before = this.refusals;
    this.refusals = new Set(refusals);
    for (const text of this.refusals.difference(before)) {
      onNews("Error", text);
    }
  }
}
