// Which rule gets a datagram that several want: the most specific one. In this order: the longer prefix of the group; an exact port
// before a range, a narrow range before a wide one; the longer prefix of the source; a link by its name before a pattern of names.
// So an exact rule goes before every range, and rules that are equal in all four and overlap are refused. Pure.
import { describeInput, describeRule, type Input } from "./key.ts";
import { anyAddress, holds, isPattern, linksOverlap, type Ports, type Prefix, portsOf, prefixOf } from "./range.ts";
import type { Rule } from "./schema.ts";

/** What a rule takes, in numbers. */
export type Area = { link: string; group: Prefix; ports: Ports; source: Prefix; protocol: number };

const areas = new WeakMap<Input, Area>();

/** The area of an input, made once: rules are not changed, they are replaced. */
export function areaOf(input: Input): Area {
  const known = areas.get(input);
  if (known !== undefined) {
    return known;
  }
  const { input_interface: link, input_group, input_port, input_protocol: protocol, input_source } = input;
  const source = input_source === undefined ? anyAddress : prefixOf(input_source);
  const area = { link, group: prefixOf(input_group), ports: portsOf(input_port), source, protocol };
  areas.set(input, area);
  return area;
}

/** Whether the input says more than one address, port or link. */
export function isRanged(input: Input): boolean {
  const { link, group, ports, source } = areaOf(input);
  return isPattern(link) || group.bits < 32 || ports.first < ports.last || (source.bits > 0 && source.bits < 32);
}

/** How many ports an area has. */
export function widthOf({ ports }: Pick<Area, "ports">): number {
  return ports.last - ports.first + 1;
}

function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return holds(a, b) || holds(b, a);
}

/** Whether some datagram is wanted by both. */
export function areasOverlap(a: Area, b: Area): boolean {
  return (
    a.protocol === b.protocol &&
    a.ports.first <= b.ports.last &&
    b.ports.first <= a.ports.last &&
    prefixesOverlap(a.group, b.group) &&
    prefixesOverlap(a.source, b.source) &&
    linksOverlap(a.link, b.link)
  );
}

/** How much a link's name says: the whole name more than the beginning of one. */
export function linkRank(link: string): number {
  return isPattern(link) ? link.length - 1 : 16;
}

/** Less than 0: `a` goes before `b`. 0: neither, and if they overlap, they cannot stand beside each other. */
export function compareAreas(a: Area, b: Area): number {
  return (
    b.group.bits - a.group.bits ||
    widthOf(a) - widthOf(b) ||
    b.source.bits - a.source.bits ||
    linkRank(b.link) - linkRank(a.link)
  );
}

/** Why `winner` goes before `loser`, in words. */
export function reasonBefore(winner: Area, loser: Area): string {
  if (winner.group.bits !== loser.group.bits) {
    const what = winner.group.bits === 32 ? "its group is one address" : `its group is a /${winner.group.bits}`;
    return `${what}, against a /${loser.group.bits}`;
  }
  if (widthOf(winner) !== widthOf(loser)) {
    const what = widthOf(winner) === 1 ? "it names one port" : `it names ${widthOf(winner)} ports`;
    return `${what}, against ${widthOf(loser)}`;
  }
  if (winner.source.bits !== loser.source.bits) {
    const what = winner.source.bits === 32 ? "it names one source" : `its source is a /${winner.source.bits}`;
    return `${what}, against ${loser.source.bits === 0 ? "any" : `a /${loser.source.bits}`}`;
  }
  return isPattern(winner.link)
    ? `its links '${winner.link}' are fewer than '${loser.link}'`
    : `it names the link ${winner.link}, against '${loser.link}'`;
}

/** What of an input is more than one address, port and link, as the match needs it (worker/orders.ts); undefined: nothing. */
export function rangeOf(
  input: Input,
): { groupBits: number; portLast: number; sourceBits: number; linkRank: number } | undefined {
  const { group, ports, source, link } = areaOf(input);
  return isRanged(input)
    ? { groupBits: group.bits, portLast: ports.last, sourceBits: source.bits, linkRank: linkRank(link) }
    : undefined;
}

/** What the bound limits.matchShapesMax counts. */
export function shapeOf(input: Input): string {
  const { group, source, ...rest } = areaOf(input);
  return `${group.bits} ${widthOf(rest)} ${source.bits}`;
}

/** Why `rule` cannot stand beside `other`: neither goes before the other where they overlap. */
export function tieText(rule: Rule, other: Rule): string {
  return (
    `Rule rejected: ${describeRule(rule)} takes ${describeInput(rule)} and ${describeRule(other)} takes ${describeInput(other)}: ` +
    "some datagrams are for both, and neither is more specific than the other. Make one of the ranges narrower, or both apart."
  );
}

/** Rules with ranges of ports, by what could tie: two of one width that overlap share one of the places that each is kept at. */
export class Ties<T extends Input = Rule> {
  private readonly places = new Map<string, Set<T>>();

  put(rule: T): void {
    for (const place of placesOf(rule)) {
      this.places.set(place, (this.places.get(place) ?? new Set()).add(rule));
    }
  }

  take(rule: T): void {
    for (const place of placesOf(rule)) {
      const rules = this.places.get(place);
      rules?.delete(rule);
      if (rules?.size === 0) {
        this.places.delete(place);
      }
    }
  }

  /** A rule that overlaps `rule` and is as specific, and of which `counts` is true. The same input is told elsewhere (key.ts). */
  find(rule: T, counts: (other: T) => boolean): T | undefined {
    const area = areaOf(rule);
    for (const place of placesOf(rule)) {
      for (const other of this.places.get(place) ?? []) {
        if (other !== rule && counts(other) && areasOverlap(area, areaOf(other))) {
          return other;
        }
      }
    }
    return undefined;
  }
}

/** Cut into cells of its width, a range lies in two of them at most, and one that overlaps it in one of the same. */
function placesOf(rule: Input): string[] {
  const area = areaOf(rule);
  const width = widthOf(area);
  if (width === 1) {
    return [];
  }
  const { link, group, source, protocol, ports } = area;
  const base = [link, group.first, group.bits, source.first, source.bits, protocol, width].join(" ");
  return [...new Set([Math.floor(ports.first / width), Math.floor(ports.last / width)])].map(
    (cell) => `${base} ${cell}`,
  );
}
