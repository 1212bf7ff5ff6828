// Why nothing leaves, concluded from what is known of one output. Pure: facts in, findings out, gravest first.
import { errnoWords } from "../../control/errno-words.ts";
import type { Evidence, Finding } from "../../control/explanation.ts";
import { pendingNameOf } from "../../rules/pending.ts";
import type { Seen } from "../counters/growth.ts";
import type { Neighbour } from "../kernel/neighbours.ts";
import { isFresh, seenEvidence } from "./verdicts.ts";

/** What is known of an output. `where`: as in `list`, `eth1 239.2.2.2:5001`. */
export type OutputFacts = {
  where: string;
  link: { name: string; state: "missing" | "down" | "up" };
  pending: string | undefined;
  sent: Seen;
  /** Datagrams given up because the kernel would not take them. */
  failed: number;
  /** Sends that the kernel refused, by errno name; most were tried again. */
  refusals: Record<string, number>;
  lastRefusal: { errno: string; age: number | undefined } | undefined;
  /** Datagrams given up before the kernel saw them, in all and by reason. */
  dropped: Seen;
  drops: Record<string, number>;
  /** Whom the link has to reach for a unicast output; undefined: nobody is asked for (multicast, no ARP on the link). */
  nextHop: { address: string; state: Neighbour } | undefined;
};

/** `4,812` */
const grouped = new Intl.NumberFormat("en-US");

const dropWords: Readonly<Record<string, string>> = {
  pending: "it had no socket yet",
  full: "its socket was full for longer than a backlog may wait",
  removed: "they waited when its socket was closed",
  too_large: "the MTU is smaller, and what keeps its sender's address is not fragmented",
  worker_died: "a worker died with them",
};

/** What keeps datagrams from leaving by this output; nothing when all is well. */
export function outputFindings(facts: OutputFacts): Finding[] {
  const waiting = waitingFinding(facts);
  const findings = waiting === undefined ? sendingFindings(facts) : [waiting];
  if (facts.dropped.count > 0) {
    findings.push(droppedFinding(facts));
  }
  return findings;
}

function droppedFinding({ where, dropped, drops }: OutputFacts): Finding {
  const reasons = Object.entries(drops);
  const why = reasons
    .map(([reason, count]) => `${grouped.format(count)} because ${dropWords[reason] ?? reason}`)
    .join(", ");
  const isNow = isFresh(dropped);
  return {
    verdict: "output_dropped",
    text: `output ${where} ${isNow ? "drops" : "dropped"} datagrams: ${why}`,
    ...(isNow ? {} : { is_past: true }),
    evidence: [
      seenEvidence("dropped", dropped),
      ...reasons.map(([reason, value]) => ({ name: `dropped ${reason}`, value })),
    ],
  };
}

/** It does not work at all. */
function waitingFinding({ where, link, pending }: OutputFacts): Finding | undefined {
  const evidence: Evidence[] = [{ name: `link ${link.name}`, value: link.state }];
  if (link.state === "missing") {
    return {
      verdict: "output_link_missing",
      text: `output ${where} waits: link ${link.name} does not exist`,
      evidence,
    };
  }
  if (link.state === "down") {
    return { verdict: "output_link_down", text: `output ${where} waits: link ${link.name} is down`, evidence };
  }
  if (pending === undefined) {
    return undefined;
  }
  const isRoute = pendingNameOf(pending) === "noRoute";
  return {
    verdict: isRoute ? "output_no_route" : "output_pending",
    text: `output ${where} waits: ${pending}${isRoute ? "; add one with 'ip route add'" : ""}`,
    evidence: [...evidence, { name: "pending", value: pending }],
  };
}

/** By these the kernel refuses the shape of a send, or asks to wait; what was in it went out another way. */
const harmless: readonly string[] = ["EAGAIN", "EIO", "EINVAL", "EMSGSIZE"];

function sendingFindings({ where, sent, failed, refusals, lastRefusal, nextHop }: OutputFacts): Finding[] {
  const refused = Object.entries(refusals).map(([name, value]) => ({ name: `refused ${name}`, value }));
  if (nextHop?.state === "silent") {
    return [
      {
        verdict: "output_no_neighbour",
        text: `output ${where}: ${nextHop.address} does not answer to ARP; is it up, and on this link?`,
        evidence: [
          { name: `neighbour ${nextHop.address}`, value: "no answer" },
          seenEvidence("sent", sent),
          ...refused,
        ],
      },
    ];
  }
  const { errno = "", age } = lastRefusal ?? {};
  const isNow = isFresh({ count: 1, age });
  if (failed === 0 && (!isNow || harmless.includes(errno))) {
    return [];
  }
  return [
    {
      verdict: "send_failed",
      text: `output ${where}: sent, and the kernel ${isNow ? "says" : "said"} ${errno}: ${errnoWords(errno)}`,
      ...(isNow ? {} : { is_past: true }),
      evidence: [
        { name: "failed", value: failed },
        ...refused,
        { name: "last errno", value: errno, ...(age === undefined ? {} : { age_seconds: age }) },
        seenEvidence("sent", sent),
      ],
    },
  ];
}
