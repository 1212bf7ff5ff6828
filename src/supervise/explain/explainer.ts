// Gathers what is known of one rule, for the verdicts (verdicts.ts, output-verdicts.ts).
import { swap } from "../../base/byte-order.ts";
import { formatIpv4, isMulticast, parseIpv4 } from "../../base/ipv4.ts";
import { done, failed, type Outcome } from "../../base/outcome.ts";
import { printable } from "../../base/printable.ts";
import type { Explanation, Finding } from "../../control/explanation.ts";
import { refusals } from "../../relay/counters.ts";
import { describeInput, describeRule } from "../../rules/key.ts";
import { isEnabled } from "../../rules/labels.ts";
import { areaOf, areasOverlap, compareAreas, reasonBefore } from "../../rules/precedence.ts";
import { linksOverlap, namesLink } from "../../rules/range.ts";
import { errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import type { Seen } from "../counters/growth.ts";
import { latestOf, outputErrors, outputTotals, type RuleTotals, ruleTotals } from "../counters/pages.ts";
import type { Links } from "../kernel/links.ts";
import type { Memberships } from "../kernel/memberships.ts";
import { neighbourAt } from "../kernel/neighbours.ts";
import { macTypes } from "../kernel/netlink.ts";
import type { LiveOutput } from "../outputs/outputs.ts";
import { type LiveRule, membershipsOf } from "../rules/live-rule.ts";
import type { Relaying } from "../rules/relaying.ts";
import { dropReasons, type Lost } from "../stats/lost.ts";
import type { IgmpVersions } from "../watch/igmp-versions.ts";
import type { KernelRoutes } from "../watch/kernel-routes.ts";
import type { Workers } from "../workers/workers.ts";
import { type OutputFacts, outputFindings } from "./output-verdicts.ts";
import { type InputFacts, inputFindings, seenEvidence } from "./verdicts.ts";

/** Where the facts come from. */
export type ExplainerParts = {
  relaying: Pick<Relaying, "list" | "warningsOf">;
  kernelRoutes: Pick<KernelRoutes, "warningsOf">;
  igmpVersions: Pick<IgmpVersions, "warningsOf">;
  workers: Pick<Workers, "places" | "pages" | "runningCount">;
  links: Links;
  memberships: Pick<Memberships, "holds">;
  lost: Pick<Lost, "inKernel" | "atOutput">;
};

const monotonic = 1;
/** Rules that want some of the same, named one by one. */
const rivalsNamedMax = 5;

/** Answers why nothing arrives. */
export class Explainer {
  private readonly parts: ExplainerParts;

  constructor(parts: ExplainerParts) {
    this.parts = parts;
  }

  /** What is wrong with the rule of an id or a name, or the text of why there is no such rule. */
  explain(idOrName: string): Outcome<Explanation> {
    const live = this.find(idOrName);
    if (!live.ok) {
      return live;
    }
    const { rule, outputs } = live.value;
    const input = this.inputFacts(live.value);
    const findings = [
      ...inputFindings(input),
      ...(isEnabled(rule) ? outputs : []).flatMap((output) => outputFindings(this.outputFacts(output))),
    ];
    return done({
      rule_id: rule.rule_id,
      ...(rule.name === undefined ? {} : { name: rule.name }),
      input: describeInput(rule),
      // A rule that works may still be odd.
      findings: [
        ...this.sorted(findings, () => this.goodNews(input, live.value)),
        ...this.rivalFindings(live.value),
        ...this.warningFindings(live.value),
      ],
    });
  }

  private warningFindings(live: LiveRule): Finding[] {
    const { kernelRoutes, igmpVersions, relaying } = this.parts;
    const twice = kernelRoutes.warningsOf(live.rule.rule_id).map((text) => ({ verdict: "sent_twice", text }) as const);
    const odd = [...igmpVersions.warningsOf(live.rule.rule_id), ...relaying.warningsOf(live)].map(
      (text) => ({ verdict: "warning", text }) as const,
    );
    return [...twice, ...odd].map((finding) => ({ ...finding, evidence: [] }));
  }

  /** What is wrong now, else that nothing is; then what was wrong once. */
  private sorted(findings: readonly Finding[], goodNews: () => Finding): Finding[] {
    const past = findings.filter((finding) => finding.is_past === true);
    const now = findings.filter((finding) => finding.is_past !== true);
    return [...(now.length > 0 ? now : [goodNews()]), ...past];
  }

  private find(idOrName: string): Outcome<LiveRule> {
    const all = this.parts.relaying.list();
    const byId = all.find(({ rule }) => rule.rule_id === idOrName);
    const [first, ...others] = byId === undefined ? all.filter(({ rule }) => rule.name === idOrName) : [byId];
    if (first === undefined) {
      return failed(`there is no rule with the id or name '${printable(idOrName)}'; 'list' shows all`);
    }
    return others.length === 0
      ? done(first)
      : failed(
          `${others.length + 1} rules are named '${printable(idOrName)}'; give the id of one: ${[first, ...others].map(({ rule }) => rule.rule_id).join(", ")}`,
        );
  }

  private goodNews({ matched }: InputFacts, { outputs }: LiveRule): Finding {
    return {
      verdict: "forwarding",
      text:
        outputs.length === 0
          ? "datagrams arrive, and the rule has no outputs"
          : "datagrams arrive and leave by every output; what is still missing is lost behind this machine",
      evidence: [
        seenEvidence("matched", matched),
        ...outputs.map((live) => seenEvidence(`sent to ${live.output.group}:${live.output.port}`, this.sentBy(live))),
      ],
    };
  }

  private inputFacts(live: LiveRule): InputFacts {
    const { rule, counter, pending, sinceMs } = live;
    const { workers, memberships } = this.parts;
    const { pages, places } = workers;
    const { group } = areaOf(rule);
    const wanted = membershipsOf(live);
    const totals = ruleTotals(pages, counter);
    const holder = this.holderOf(live);
    const near = ruleTotals(pages, holder);
    const other = latestOf(pages, holder, "otherNs");
    const refused = latestOf(pages, holder, "refusedNs");
    const tagged = latestOf(pages, holder, "taggedNs");
    return {
      link: { name: rule.input_interface, state: this.stateOf(live) },
      group: rule.input_group,
      port: rule.input_port,
      source: rule.input_source,
      disabled: isEnabled(rule) ? undefined : (rule.name ?? rule.rule_id),
      pending,
      ruleAge: (performance.now() - sinceMs) / 1000,
      workers: {
        running: workers.runningCount,
        all: places.length,
        reason: places.find((place) => place.reason !== undefined)?.reason,
      },
      isJoined:
        wanted.length === 0
          ? group.bits === 32 && isMulticast(group.first)
            ? false
            : undefined
          : wanted.every((each) => memberships.holds(each)),
      joins: group.bits < 32 && isMulticast(group.first) ? (rule.input_join ?? []) : undefined,
      matched: { count: totals.datagrams, age: ageOf(totals.lastSeenNs) },
      other: {
        ...seen(near, "otherFrames", "otherNs"),
        port: other.otherPort & 0xffff,
        source: formatIpv4(swap(other.otherSource)),
      },
      refused: { ...seen(near, "refused", "refusedNs"), reason: refusals[refused.refusedReason - 1] },
      tagged: { ...seen(near, "tagged", "taggedNs"), vlan: tagged.taggedVlan },
      kernelDrops: this.dropsOf(live),
    };
  }

  /** Of its link; of a rule that stands for many, up when one of them is captured. */
  private stateOf({ rule, captures }: LiveRule): InputFacts["link"]["state"] {
    const table = this.parts.links.table();
    const name = rule.input_interface;
    const meant = [...table.values()].filter((link) => link.name === name || namesLink(name, link.name));
    if (meant.length === 0) {
      return "missing";
    }
    return captures.length > 0 || meant.some((link) => link.isUp) ? "up" : "down";
  }

  private dropsOf({ rule, captures }: LiveRule): Seen {
    const names = captures.length === 0 ? [rule.input_interface] : captures.map(({ link }) => link.name);
    const drops = names.map((name) => this.parts.lost.inKernel(name, performance.now()));
    const ages = drops.flatMap(({ age }) => age ?? []);
    const count = drops.reduce((sum, each) => sum + each.count, 0);
    return { count, age: ages.length === 0 ? undefined : Math.min(...ages) };
  }

  /** Which rules go before this one, and which it goes before, where they want the same. */
  private rivalFindings({ rule }: LiveRule): Finding[] {
    const area = areaOf(rule);
    const others = this.parts.relaying
      .list()
      .filter((each) => each.rule !== rule && isEnabled(each.rule) && areasOverlap(area, areaOf(each.rule)));
    return others.slice(0, rivalsNamedMax).map(({ rule: other }) => {
      const isBefore = compareAreas(area, areaOf(other)) < 0;
      const [winner, loser] = isBefore ? [rule, other] : [other, rule];
      const why = reasonBefore(areaOf(winner), areaOf(loser));
      const what = `${describeRule(other)} wants ${describeInput(other)}`;
      const text = isBefore
        ? `of what both want this rule gets it: ${what}, and of this rule ${why}`
        : `of what both want the other gets it: ${what}, and ${why}`;
      return { verdict: isBefore ? "goes_before" : "goes_behind", text, evidence: [] };
    });
  }

  /** The rule under whose counters workers keep what went to the group and to no rule: any of the same group and link. */
  private holderOf({ rule, counter }: LiveRule): number {
    const { pages } = this.parts.workers;
    const sisters = this.parts.relaying
      .list()
      .filter(
        ({ rule: each }) =>
          linksOverlap(each.input_interface, rule.input_interface) && each.input_group === rule.input_group,
      );
    const latest = (at: number) => {
      const { otherNs, refusedNs, taggedNs } = ruleTotals(pages, at);
      return Math.max(otherNs, refusedNs, taggedNs);
    };
    return sisters.reduce((best, each) => (latest(each.counter) > latest(best) ? each.counter : best), counter);
  }

  private outputFacts(live: LiveOutput): OutputFacts {
    const { workers, lost } = this.parts;
    const { pages } = workers;
    const { output, counter, pending } = live;
    const link = this.parts.links.table().get(output.interface);
    const totals = outputTotals(pages, counter);
    return {
      where: `${output.interface} ${output.group}:${output.port}`,
      link: { name: output.interface, state: link === undefined ? "missing" : link.isUp ? "up" : "down" },
      pending,
      sent: this.sentBy(live),
      failed: totals.failed,
      refusals: outputErrors(pages, counter),
      lastRefusal:
        totals.lastErrno > 0 ? { errno: errnoName(totals.lastErrno), age: ageOf(totals.lastErrnoNs) } : undefined,
      dropped: lost.atOutput(live, performance.now()),
      drops: dropReasons(totals),
      nextHop: this.nextHop(live),
    };
  }

  private sentBy({ counter }: LiveOutput): Seen {
    const totals = outputTotals(this.parts.workers.pages, counter);
    return { count: totals.sent, age: ageOf(totals.lastSentNs) };
  }

  private nextHop({ output, pending }: LiveOutput): OutputFacts["nextHop"] {
    const link = this.parts.links.table().get(output.interface);
    const address = parseIpv4(output.group) ?? 0;
    // Of a prefix each address may have its own.
    if (
      address === 0 ||
      link === undefined ||
      pending !== undefined ||
      isMulticast(address) ||
      link.macType !== macTypes.ethernet
    ) {
      return undefined;
    }
    const hop = formatIpv4(this.parts.links.gatewayTo(address, link.index) ?? address);
    return { address: hop, state: neighbourAt(hop, link.name) };
  }
}

function seen(totals: RuleTotals, count: keyof RuleTotals, ns: keyof RuleTotals): Seen {
  return { count: totals[count], age: ageOf(totals[ns]) };
}

/** Seconds since a moment of CLOCK_MONOTONIC; undefined: never. */
function ageOf(ns: number): number | undefined {
  return ns > 0 ? Math.max(0, (shim.mcr_clock_ns(monotonic) - ns) / 1e9) : undefined;
}
