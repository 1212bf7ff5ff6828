// What running rules want to hear, made true: the filters of capture sockets, then memberships, so that what is joined passes.
import type { Captures } from "./captures.ts";
import { type LiveRule, membershipOf, wantedOf } from "./live-rule.ts";
import type { Memberships } from "./memberships.ts";

/** Who carries it out, and who is told what was refused. */
export type JoinParts = {
  captures: Captures;
  memberships: Memberships;
  onNews: (level: "Error", message: string, fields?: Record<string, string | number>) => void;
};

/** Brings filters and memberships in line with `lives`. What is refused is said, and tried again the next time. */
export function joinWanted(lives: readonly LiveRule[], { captures, memberships, onNews }: JoinParts): void {
  const running = lives.filter((live) => live.pending === undefined);
  const wanting = Map.groupBy(running, (live) => live.capture);
  for (const captured of captures.list()) {
    const refused = captures.want(captured, (wanting.get(captured) ?? []).map(wantedOf));
    if (refused !== undefined) {
      onNews("Error", refused);
    }
  }
  for (const failure of memberships.sync(running.map(membershipOf).filter((each) => each !== undefined))) {
    onNews("Error", `a group could not be joined: ${failure.step}, errno ${failure.errno}`, { group: failure.group });
  }
}
