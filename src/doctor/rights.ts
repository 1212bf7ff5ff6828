// Capabilities of whoever runs the relay: the supervisor that runs, or one that would be started from here. capabilities(7).
import { limits } from "../limits.ts";
import { type Place, statusField } from "./place.ts";
import { fine, unseen, type Verdict } from "./verdict.ts";

const bits = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21, CAP_SYS_NICE: 23, CAP_BPF: 39 } as const;

/** A capability this program has a use for. */
export type Capability = keyof typeof bits;

/** `capabilities` undefined: the process could not be looked at. `uid`: effective. */
export type RightsFacts = {
  subject: "supervisor" | "self";
  uid: number;
  capabilities: ReadonlySet<Capability> | undefined;
  /** Why an AF_PACKET socket is refused to this process, by errno name; undefined: it opens, or was not tried. */
  captureError: string | undefined;
  /** RLIMIT_NICE, as 20 minus the nice value that may be had without CAP_SYS_NICE; undefined: not known. getrlimit(2). */
  nicePriority: number | undefined;
};

const id = "capabilities";
const ambient = "AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN CAP_BPF";
const asService = `Run it as root, or give its service '${ambient}'.`;

/** The capabilities in a mask of /proc/PID/status. */
export function capabilitiesIn(mask: string): Set<Capability> {
  const value = BigInt(`0x${mask}`);
  const names = Object.keys(bits) as Capability[];
  return new Set(names.filter((name) => ((value >> BigInt(bits[name])) & 1n) === 1n));
}

/** Of the permitted set: a supervisor may have lowered the effective one. */
export function capabilitiesOf(place: Place): Set<Capability> | undefined {
  const mask = statusField(place, "CapPrm");
  return mask === undefined ? undefined : capabilitiesIn(mask);
}

/** What the relay may do. */
export function judgeRights(facts: RightsFacts): Verdict[] {
  const { subject, uid, capabilities, captureError, nicePriority = 0 } = facts;
  if (capabilities === undefined) {
    return [unseen(id, "The rights of the running supervisor could not be read.")];
  }
  const who = subject === "supervisor" ? "The running supervisor" : "A supervisor started from here";
  if (!capabilities.has("CAP_NET_RAW")) {
    // An ordinary user who asks has usually not meant to run it himself.
    const isMeant = subject === "supervisor" || uid === 0;
    return [
      {
        id,
        severity: isMeant ? "error" : "warning",
        what: `${who} has no CAP_NET_RAW${uid === 0 ? ", though it is root" : ` (user id ${uid})`}.`,
        why: "Without it no frame can be captured, and the relay does not start.",
        ...(uid === 0
          ? { advice: "In a container: '--cap-add NET_RAW --cap-add NET_ADMIN --cap-add BPF'." }
          : { commands: [{ run: ["sudo", "mcr-appliance", "supervise"] }], advice: asService }),
      },
    ];
  }
  if (captureError !== undefined) {
    return [
      {
        id,
        severity: "error",
        what: `An AF_PACKET socket is refused (${captureError}) in spite of CAP_NET_RAW.`,
        why: "Frames are captured through it, and the relay does not start without.",
        advice:
          "A security module or RestrictAddressFamilies= of the service forbids it; or the kernel lacks CONFIG_PACKET.",
      },
    ];
  }
  return [judgeExtras(who, capabilities, nicePriority)];
}

function judgeExtras(who: string, capabilities: ReadonlySet<Capability>, nicePriority: number): Verdict {
  if (!capabilities.has("CAP_NET_ADMIN")) {
    return {
      id,
      severity: "warning",
      what: `${who} has CAP_NET_RAW and no CAP_NET_ADMIN.`,
      why: "Socket buffers stay within the kernel's maximum, and what rules consume climbs on into this host's IP stack.",
      advice: asService,
    };
  }
  const mayPrefer = nicePriority >= 20 - limits.workerNice;
  if (!capabilities.has("CAP_SYS_NICE") && !mayPrefer) {
    return {
      id,
      severity: "note",
      what: `${who} has neither CAP_SYS_NICE nor a limit of priority that allows it: workers do not go first on their cores.`,
      why: "Other programs on a worker's core may delay a datagram by some milliseconds.",
      advice: `For a service: LimitNICE=${limits.workerNice}, or CAP_SYS_NICE in AmbientCapabilities.`,
    };
  }
  return fine(id, `CAP_NET_RAW, CAP_NET_ADMIN, ${capabilities.has("CAP_SYS_NICE") ? "CAP_SYS_NICE" : "RLIMIT_NICE"}`);
}
