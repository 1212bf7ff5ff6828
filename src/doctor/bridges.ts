// A bridge that snoops on IGMP forgets who is a member when nobody asks; RFC 4541.
import { fine, type Verdict } from "./verdict.ts";

/** A bridge that a rule's link is, stands on or belongs to. `hasQuerier` undefined: this kernel does not say. */
export type BridgeFacts = {
  bridge: string;
  isSnooping: boolean;
  isQuerier: boolean;
  hasQuerier: boolean | undefined;
};

const id = "bridge-querier";

/** Whether memberships on it live longer than a few minutes. */
export function judgeBridge({ bridge, isSnooping, isQuerier, hasQuerier }: BridgeFacts): Verdict[] {
  if (!isSnooping) {
    return [fine(id, `bridge ${bridge} does not snoop`, bridge)];
  }
  if (isQuerier || hasQuerier === true) {
    return [fine(id, `bridge ${bridge} snoops and has a querier`, bridge)];
  }
  const isKnown = hasQuerier === false;
  return [
    {
      id,
      severity: isKnown ? "warning" : "note",
      link: bridge,
      what: isKnown
        ? `Bridge ${bridge} snoops on IGMP, and nobody on it asks who is a member.`
        : `Bridge ${bridge} snoops on IGMP and asks nobody; whether another querier is there, this kernel does not say.`,
      why: "Without queries it forgets memberships after about four minutes, and streams stop without a word.",
      commands: [{ run: ["ip", "link", "set", bridge, "type", "bridge", "mcast_querier", "1"] }],
    },
  ];
}
