// Why nothing arrives, concluded from what is known of one rule's input. Pure: facts in, findings out, gravest first.
import type { Evidence, Finding } from "../../control/explanation.ts";
import { refusalWords } from "../../control/refusal-words.ts";
import { limits } from "../../limits.ts";
import type { RefusalName } from "../../relay/counters.ts";
import { takesPort } from "../../rules/range.ts";
import type { Seen } from "../counters/growth.ts";

/** What is known of a rule's input. Ages in seconds, addresses dotted. */
export type InputFacts = {
  link: { name: string; state: "missing" | "down" | "up" };
  group: string;
  port: number | string;
  source: string | undefined;
  /** The rule under its name or id, when it is disabled. */
  disabled: string | undefined;
  /** Why it is pending. */
  pending: string | undefined;
  /** Since the rule was added. */
  ruleAge: number;
  workers: { running: number; all: number; reason: string | undefined };
  /** Whether all it wants to join is joined; undefined: it joins nothing. */
  isJoined: boolean | undefined;
  /** Of a prefix of groups, those it joins; undefined: no such input. */
  joins: readonly string[] | undefined;
  matched: Seen;
  other: Seen & { port: number; source: string };
  refused: Seen & { reason: RefusalName | undefined };
  tagged: Seen & { vlan: number };
  /** Lost on its link because a capture ring was full. */
  kernelDrops: Seen;
};

/** What keeps datagrams from coming in, if anything does. */
export function inputFindings(facts: InputFacts): Finding[] {
  const blocked = blockedFinding(facts);
  if (blocked !== undefined) {
    return [blocked];
  }
  const near = nearFindings(facts).filter(({ isFresh }) => isFresh || facts.matched.count === 0);
  const findings = [...notJoinedFindings(facts), ...joinsFindings(facts), ...near.map(({ finding }) => finding)];
  if (!isFresh(facts.matched) && findings.length === 0) {
    findings.push(silentFinding(facts));
  }
  if (facts.kernelDrops.count > 0) {
    findings.push(kernelDropsFinding(facts));
  }
  return findings;
}

function kernelDropsFinding({ kernelDrops, link }: InputFacts): Finding {
  const isNow = isFresh(kernelDrops);
  const [drops, is, do_] = isNow ? ["drops", "is", "do"] : ["dropped", "was", "did"];
  return {
    verdict: "kernel_drops",
    text: `the kernel ${drops} frames of ${link.name}: the capture ring ${is} full, the workers ${do_} not keep up`,
    ...(isNow ? {} : { is_past: true }),
    evidence: [seenEvidence("kernel drops", kernelDrops)],
  };
}

/** A switch that knows no better may send the group all the same: not the end of the story. */
function notJoinedFindings({ isJoined, group, link }: InputFacts): Finding[] {
  const text = `group ${group} could not be joined on ${link.name}; the log says why`;
  return isJoined === false
    ? [{ verdict: "not_joined", text, evidence: [{ name: `joined ${group}`, value: "no" }] }]
    : [];
}

/** Which groups of a prefix can come in at all depends on more than this machine. */
function joinsFindings({ joins, group, link, matched }: InputFacts): Finding[] {
  if (joins === undefined || isFresh(matched)) {
    return [];
  }
  const text =
    joins.length === 0
      ? `nothing of ${group} is joined on ${link.name}: there arrives what the network sends here unasked. Where a switch filters ` +
        "(IGMP snooping), or a router waits to be asked, that is nothing: list the groups in join"
      : `of ${group} only what join lists is joined on ${link.name}; of the rest arrives what the network sends here unasked`;
  return [{ verdict: "joins", text, evidence: [{ name: "groups joined", value: joins.length }] }];
}

/** Nothing can come in at all. */
function blockedFinding({ link, pending, workers, disabled }: InputFacts): Finding | undefined {
  const state: Evidence = { name: `link ${link.name}`, value: link.state };
  if (disabled !== undefined) {
    const text = `the rule is disabled: it takes nothing until 'mcr-appliance enable ${disabled}'`;
    return { verdict: "disabled", text, evidence: [state] };
  }
  if (link.state === "missing") {
    return {
      verdict: "link_missing",
      text: `input link ${link.name} does not exist; the rule starts when it appears`,
      evidence: [state],
    };
  }
  if (link.state === "down") {
    const text = `input link ${link.name} is down; bring it up with 'ip link set ${link.name} up', or check its cable`;
    return { verdict: "link_down", text, evidence: [state] };
  }
  if (pending !== undefined) {
    return { verdict: "pending", text: `the rule waits: ${pending}`, evidence: [state] };
  }
  if (workers.running === 0) {
    const text = `no worker runs${workers.reason === undefined ? "" : `: ${workers.reason}`}`;
    return { verdict: "no_worker", text, evidence: [{ name: "workers running", value: `0 of ${workers.all}` }] };
  }
  return undefined;
}

type Near = { finding: Finding; isFresh: boolean; age: number };

/** Frames that went to the group and not to the rule, the latest first. */
function nearFindings(facts: InputFacts): Near[] {
  const { tagged, refused, other } = facts;
  const near: Near[] = [];
  const note = (seen: Seen, finding: Finding) => {
    if (seen.count > 0) {
      near.push({ finding, isFresh: isFresh(seen), age: seen.age ?? Number.POSITIVE_INFINITY });
    }
  };
  const { link, group } = facts;
  note(tagged, {
    verdict: "tagged",
    text:
      `frames for ${group} arrive tagged for VLAN ${tagged.vlan}: they are not ${link.name}'s. ` +
      `Make the rule for the VLAN's interface, usually ${link.name}.${tagged.vlan}`,
    evidence: [seenEvidence("tagged", tagged), { name: "vlan", value: String(tagged.vlan) }],
  });
  if (refused.reason !== undefined) {
    note(refused, {
      verdict: "refused",
      text: `frames for ${group} arrive and are refused: ${refusalWords[refused.reason]}`,
      evidence: [seenEvidence("refused", refused), { name: "last refusal", value: refused.reason }],
    });
  }
  // The same port and no source to differ in: it came before the rule did.
  if (!takesPort(facts.port, other.port) || facts.source !== undefined) {
    note(other, otherFinding(facts));
  }
  return near.sort((a, b) => a.age - b.age);
}

function otherFinding({ other, group, port, source, link }: InputFacts): Finding {
  const evidence = [
    seenEvidence("without a rule", other),
    { name: "last port", value: String(other.port) },
    { name: "last source", value: other.source },
  ];
  return takesPort(port, other.port)
    ? {
        verdict: "other_source",
        text: `datagrams for ${group}:${port} arrive from ${other.source}, and the rule takes only those from ${source ?? "another"}`,
        evidence,
      }
    : {
        verdict: "other_port",
        text: `datagrams for ${group} arrive on ${link.name}, but for port ${other.port}, not ${port}`,
        evidence,
      };
}

function silentFinding({ matched, link, group, isJoined, ruleAge }: InputFacts): Finding {
  const joined = isJoined === undefined ? "" : "joined, and ";
  const since =
    matched.age === undefined
      ? `no frame seen in the ${secondsOf(ruleAge)} since the rule was added`
      : `no frame seen for ${secondsOf(matched.age)}`;
  const cure =
    isJoined === undefined
      ? "Is the sender's route to this machine right?"
      : "Does the sender send, with a TTL that reaches here? Does a switch with IGMP snooping have a querier?";
  return {
    verdict: "silent",
    text: `${joined}${since}: nothing for ${group} arrives on ${link.name}. ${cure}`,
    evidence: [
      seenEvidence("matched", matched),
      ...(isJoined === undefined ? [] : [{ name: `joined ${group}`, value: "yes" }]),
    ],
  };
}

/** Whether it happens now. */
export function isFresh({ count, age }: Seen): boolean {
  return count > 0 && age !== undefined && age <= limits.explainFreshSeconds;
}

/** A counter with the age of its last count. */
export function seenEvidence(name: string, { count, age }: Seen): Evidence {
  return { name, value: count, ...(age === undefined ? {} : { age_seconds: age }) };
}

function secondsOf(seconds: number): string {
  return `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
}
