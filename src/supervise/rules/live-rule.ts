// A rule at run time, and what it means to each of those it concerns: workers, memberships, the capture filter, the log.
import { isMulticast, parseIpv4 } from "../../base/ipv4.ts";
import { limits } from "../../limits.ts";
import { compact } from "../../rules/fields.ts";
import { isEnabled } from "../../rules/labels.ts";
import { isRefusal, pendingText } from "../../rules/pending.ts";
import { areaOf, rangeOf } from "../../rules/precedence.ts";
import { isPattern, lastOf } from "../../rules/range.ts";
import type { Rule } from "../../rules/schema.ts";
import type { Order, OrderRule } from "../../worker/orders.ts";
import type { CapturedLink } from "../capture/captures.ts";
import type { Wanted } from "../capture/filter.ts";
import type { EndingRule } from "../ending/ending-facts.ts";
import type { Link } from "../kernel/links.ts";
import type { Reported } from "../kernel/memberships.ts";
import type { LiveOutput } from "../outputs/outputs.ts";

/** A rule as it stands: what it needs and whether it has it. */
export type LiveRule = {
  readonly rule: Rule;
  readonly serial: number;
  readonly counter: number;
  /** By performance.now(). */
  readonly sinceMs: number;
  readonly outputs: LiveOutput[];
  /** Its link's, or those of the links whose names it stands for. */
  captures: readonly CapturedLink[];
  /** Why links that it stands for are not captured, though others are. */
  uncaptured: readonly string[];
  /** Why nothing of it runs; undefined when workers have it. */
  pending: string | undefined;
};

/** Whether it forwards, in the words of the replies. */
export function liveState({ rule, pending }: Pick<LiveRule, "rule" | "pending">): "active" | "pending" | "disabled" {
  return !isEnabled(rule) ? "disabled" : pending === undefined ? "active" : "pending";
}

/** Whether something of it was refused whose end nothing may announce. */
export function hasRefusal({ pending, uncaptured, outputs }: LiveRule): boolean {
  return isRefusal(pending) || uncaptured.some(isRefusal) || outputs.some((output) => isRefusal(output.pending));
}

/** The rule as workers are told of it. */
export function orderRule(live: LiveRule): OrderRule {
  const { rule, serial, counter, captures, outputs } = live;
  const { group, ports, source } = areaOf(rule);
  const range = rangeOf(rule);
  return {
    serial,
    rule_id: rule.rule_id,
    counter,
    captures: captures.map((captured) => captured.serial),
    group: group.first,
    port: ports.first,
    protocol: rule.input_protocol,
    source: source.first,
    ...(range === undefined ? {} : { range }),
    outputs: outputs.map(({ id, counter, fd, stamp, mapping }) => ({
      ...{ id, counter, isPending: fd < 0 },
      ...(stamp === undefined ? {} : { stamp }),
      ...(mapping === undefined ? {} : { mapping }),
    })),
  };
}

/** An order, and the sockets that travel beside it. */
export type SocketOrder = { order: Order; sockets: readonly number[] };

/** The orders that bring a worker that knows nothing to where `lives` run: their sockets first. */
export function upbringingOf(lives: readonly LiveRule[]): SocketOrder[] {
  return [...socketOrdersOf(lives), { order: { kind: "SyncRules", rules: lives.map(orderRule) }, sockets: [] }];
}

/** The sockets of all open outputs, as many an order as can travel beside it. */
export function socketOrdersOf(lives: readonly LiveRule[]): SocketOrder[] {
  const open = lives.flatMap((live) => live.outputs.filter((output) => output.fd >= 0));
  const orders: SocketOrder[] = [];
  for (let at = 0; at < open.length; at += limits.orderSocketsMax) {
    const some = open.slice(at, at + limits.orderSocketsMax);
    const ids = some.map((output) => output.id);
    orders.push({ order: { kind: "Sockets", ids }, sockets: some.map((output) => output.fd) });
  }
  return orders;
}

/** What has to be joined for the rule, on every link that is captured for it: of a prefix, what its list says. */
export function membershipsOf({ captures, rule }: LiveRule): Reported[] {
  const { group, source: sender } = areaOf(rule);
  const groups = group.bits === 32 ? [group.first] : (rule.input_join ?? []).map((each) => parseIpv4(each) ?? 0);
  // The kernel knows no prefixes of sources: what others send there is let in, and left to the match.
  const source = sender.bits === 32 ? sender.first : 0;
  const { input_rejoin_interval: rejoinSeconds, input_igmp_version: version } = rule;
  const wish = compact({
    rejoinSeconds,
    igmpVersion: version === undefined ? undefined : version === 2 ? 2 : 3,
  } as const);
  return captures.flatMap(({ link }) =>
    groups.filter(isMulticast).map((each) => ({ linkIndex: link.index, group: each, source, ...wish })),
  );
}

/** What the filter of its links has to let through. */
export function wantedOf({ rule }: LiveRule): Wanted {
  const { group } = areaOf(rule);
  return { address: group.first, last: lastOf(group), protocol: rule.input_protocol };
}

/** Those whose datagrams workers consume, each with its link as it is now. */
export function endable(lives: readonly LiveRule[], table: ReadonlyMap<string, Link>): EndingRule[] {
  return lives.flatMap(({ rule, serial, counter, captures, pending }) => {
    // One that stands for many links does not end anywhere (ending.ts): any of them will do.
    const [captured] = captures;
    const link = table.get(captured?.link.name ?? "");
    const isRunning = pending === undefined && captured !== undefined && link?.index === captured.link.index;
    return isRunning ? [{ rule, serial, counter, link }] : [];
  });
}

/** Whether it runs, in words for the log. */
export function stateOf({ pending, outputs }: LiveRule): string {
  const waiting = outputs.filter((output) => output.pending !== undefined).length;
  return pending !== undefined
    ? "rule waits"
    : waiting === 0
      ? "rule runs"
      : `rule runs, ${waiting} of its ${outputs.length} outputs wait${waiting === 1 ? "s" : ""}`;
}

/** What a line of the log says of it: `pending` is why the rule waits, `output_pending` why the first of its outputs does. */
export function newsOf({ rule, outputs, pending: why }: LiveRule): Record<string, string | number> {
  const isResting = !isEnabled(rule);
  const pending = isResting ? undefined : why;
  const waiting = isResting ? undefined : outputs.find((output) => output.pending !== undefined);
  return {
    rule: rule.rule_id,
    ...(rule.name === undefined ? {} : { name: rule.name }),
    input: `${rule.input_group}:${rule.input_port} on ${rule.input_interface}`,
    outputs: outputs.length,
    ...(isResting ? { state: "disabled" } : {}),
    ...(pending === undefined ? {} : { pending }),
    ...(waiting?.pending === undefined ? {} : { output_pending: waiting.pending }),
  };
}

/** Why the input link `name` cannot be captured as it is now; undefined when it can. */
export function usable(name: string, link: { isUp: boolean } | undefined): string | undefined {
  if (link === undefined) {
    return pendingText(isPattern(name) ? "inputsMissing" : "inputMissing", { link: name });
  }
  return link.isUp ? undefined : pendingText("linkDown", { link: name });
}
