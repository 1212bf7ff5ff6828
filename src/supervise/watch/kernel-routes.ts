// Multicast that the kernel routes beside us (smcroute, pimd, igmpproxy, FRR): where it sends what a rule sends too, receivers get it
// twice. Read from /proc/net/ip_mr_vif and ip_mr_cache (net/ipv4/ipmr.c), which nothing announces the changes of.
import { readFileSync } from "node:fs";
import { swap } from "../../base/byte-order.ts";
import { formatIpv4, isMulticast } from "../../base/ipv4.ts";
import { codeOf, reasonOf } from "../../base/outcome.ts";
import { limits } from "../../limits.ts";
import { areaOf } from "../../rules/precedence.ts";
import { holds, namesLink, prefixOf } from "../../rules/range.ts";
import type { Output } from "../../rules/schema.ts";
import type { LiveRule } from "../rules/live-rule.ts";
import { type OnWarning, RuleWarnings } from "../rules/rule-warnings.ts";

/** One route that is in use: links by name, addresses in host order; 0 is any. */
export type KernelRoute = { group: number; source: number; input: string; outputs: readonly string[] };

/** What is looked at, and whom it tells. */
export type KernelRoutesParts = {
  relaying: { list(): readonly LiveRule[] };
  /** Whether the datagrams of a running rule end after the tap: then the kernel never sees them. */
  isEnded: (serial: number) => boolean;
  onNews: OnWarning;
};

/** Looks for duplicate senders now and then, and says what is new. */
export class KernelRoutes {
  private readonly parts: KernelRoutesParts;
  private readonly warnings: RuleWarnings;
  private notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(parts: KernelRoutesParts) {
    this.parts = parts;
    this.warnings = new RuleWarnings(parts.onNews);
  }

  /** What the kernel sends that the rule sends too, in words. */
  warningsOf(ruleId: string): readonly string[] {
    return this.warnings.of(ruleId);
  }

  /** To be called once a period. Thousands of routes take their time to read: looking stays a small share of it. */
  look(nowMs: number): void {
    if (nowMs < this.notBeforeMs) {
      return;
    }
    const startMs = performance.now();
    const routes = routesIn(read("/proc/net/ip_mr_vif"), read("/proc/net/ip_mr_cache"));
    const { relaying, isEnded } = this.parts;
    this.warnings.become(routes.length === 0 ? new Map() : duplicates(routes, relaying.list(), isEnded));
    this.notBeforeMs = nowMs + (performance.now() - startMs) / limits.listenersShareMax;
  }
}

/** By rule id, what the kernel sends that the rule sends too. Rules that wait send nothing. */
export function duplicates(
  routes: readonly KernelRoute[],
  lives: readonly LiveRule[],
  isEnded: (serial: number) => boolean,
): Map<string, string[]> {
  const byOutput = new Map<string, KernelRoute[]>();
  for (const route of routes) {
    for (const output of route.outputs) {
      const key = `${output} ${route.group}`;
      byOutput.set(key, [...(byOutput.get(key) ?? []), route]);
    }
  }
  const found = new Map<string, string[]>();
  for (const live of lives.filter(({ pending }) => pending === undefined)) {
    const texts = live.outputs.flatMap(({ output, pending }) => {
      const known = pending === undefined ? madeBeside(output, byOutput) : undefined;
      const text = known && textOf(live, output.interface, known, isEnded);
      return text === undefined ? [] : [text];
    });
    if (texts.length > 0) {
      found.set(live.rule.rule_id, texts);
    }
  }
  return found;
}

function madeBeside(output: Output, byOutput: ReadonlyMap<string, KernelRoute[]>): KernelRoute[] | undefined {
  const prefix = prefixOf(output.group);
  if (prefix.bits === 32) {
    return isMulticast(prefix.first) ? byOutput.get(`${output.interface} ${prefix.first}`) : undefined;
  }
  const routes = [...new Set([...byOutput.values()].flat())];
  const beside = routes.filter(
    ({ group, outputs }) => outputs.includes(output.interface) && holds(prefix, { first: group, bits: 32 }),
  );
  return beside.length === 0 ? undefined : beside;
}

/** The same datagrams twice is worse than other ones beside them, and said first. */
function textOf(
  { rule, serial }: LiveRule,
  output: string,
  routes: readonly KernelRoute[],
  isEnded: (serial: number) => boolean,
): string | undefined {
  const { group, source } = areaOf(rule);
  const isSame = (route: KernelRoute) =>
    namesLink(rule.input_interface, route.input) &&
    holds(group, { first: route.group, bits: 32 }) &&
    (route.source === 0 || holds(source, { first: route.source, bits: 32 }));
  const [same] = routes.filter(isSame);
  if (same !== undefined) {
    const where = `${rule.input_group} from ${same.input} to ${output}`;
    return isEnded(serial)
      ? undefined
      : `the kernel routes ${where} as well: receivers there get every datagram twice; end one of the two senders`;
  }
  const [other] = routes;
  return (
    other &&
    `the kernel sends ${formatIpv4(other.group)} to ${output} as well, from ${other.input}: receivers there get both streams mixed`
  );
}

/** Routes that lead somewhere, from the texts of the two files. */
export function routesIn(vifText: string, cacheText: string): KernelRoute[] {
  const links = new Map<number, string>();
  for (const line of vifText.split("\n")) {
    const [, number, name] = /^\s*(\d+)\s+(\S+)/.exec(line) ?? [];
    if (number !== undefined && name !== undefined) {
      links.set(Number(number), name);
    }
  }
  return cacheText.split("\n").flatMap((line) => {
    const [, group = "", source = "", input, outputs = ""] =
      /^([0-9A-F]{8})\s+([0-9A-F]{8})\s+(-?\d+)\s+\d+\s+\d+\s+\d+(.*)$/.exec(line) ?? [];
    const from = links.get(Number(input));
    const to = [...outputs.matchAll(/(\d+):/g)].flatMap(([, number]) => links.get(Number(number)) ?? []);
    const addressOf = (hex: string) => swap(Number.parseInt(hex, 16));
    return input === undefined || from === undefined || to.length === 0
      ? []
      : [{ group: addressOf(group), source: addressOf(source), input: from, outputs: to }];
  });
}

/** The text of a file; a kernel that cannot route multicast has none. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    return (codeOf(thrown) ?? reasonOf(thrown)).slice(0, 0);
  }
}
