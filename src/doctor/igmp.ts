// Limits of memberships a socket. The relay spreads groups over as many sockets as it takes, so only zero is fatal.
import { fine, unseen, type Verdict } from "./verdict.ts";

/** Undefined: the kernel has no such setting (no multicast), or it is unreadable. */
export type IgmpFacts = { membershipsMax: number | undefined; sourcesMax: number | undefined };

const linuxDefaults = { memberships: 20, sources: 10 } as const;

/** Groups a socket, sources a group. */
export function judgeIgmp({ membershipsMax, sourcesMax }: IgmpFacts): Verdict[] {
  return [
    judgeLimit("igmp-memberships", "net.ipv4.igmp_max_memberships", membershipsMax, linuxDefaults.memberships, "group"),
    judgeLimit("igmp-sources", "net.ipv4.igmp_max_msf", sourcesMax, linuxDefaults.sources, "source"),
  ];
}

function judgeLimit(id: string, setting: string, have: number | undefined, usual: number, what: string): Verdict {
  if (have === undefined) {
    return unseen(id, `${setting} cannot be read here.`);
  }
  if (have >= usual) {
    return fine(id, `${setting} is ${have}; more sockets are opened where that is not enough`);
  }
  const commands = [{ sysctl: setting, value: String(usual) }];
  return have <= 0
    ? {
        id,
        severity: "error",
        what: `${setting} is ${have}: no socket can join a ${what}.`,
        why:
          what === "group"
            ? "No switch or router sends this host a multicast stream that it has not joined."
            : "Rules with a source (--input-source) cannot join it.",
        commands,
      }
    : {
        id,
        severity: "note",
        what: `${setting} is ${have}, and Linux's default is ${usual}.`,
        why: `The relay opens a socket for every ${have} ${what}s, which takes descriptors.`,
        commands,
      };
}
