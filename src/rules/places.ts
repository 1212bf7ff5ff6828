// Where rules take from and what they make, so that those can be found who take what others make. Rules with one address and port
// are found by it; those with ranges are looked at one by one on each link. Pure.
import { areaOf, isRanged } from "./precedence.ts";
import { holds, namesLink, type Ports, type Prefix, parseOffset, portsOf, prefixOf } from "./range.ts";
import { type Output, protocols, type Rule } from "./schema.ts";

/** What an output makes: every address and port that a datagram of its rule may leave to. */
type Made = { group: Prefix; ports: Ports };

/** Everything that `output` of `rule` may send to. */
function madeBy(rule: Rule, { group, port }: Output): Made {
  const { ports } = areaOf(rule);
  const offset = typeof port === "string" ? (parseOffset(port) ?? 0) : 0;
  const to = typeof port === "string" ? { first: ports.first + offset, last: ports.last + offset } : portsOf(port);
  // ESP has no ports; a rule for it takes from port 0.
  return { group: prefixOf(group), ports: rule.input_protocol === protocols.esp ? { first: 0, last: 0 } : to };
}

function isOne({ group, ports }: Made): boolean {
  return group.bits === 32 && ports.first === ports.last;
}

function overlap(a: Made, b: Made): boolean {
  const isGroup = holds(a.group, b.group) || holds(b.group, a.group);
  return isGroup && a.ports.first <= b.ports.last && b.ports.first <= a.ports.last;
}

/**
 * A rule for some sources takes what comes from there: an output that says no source has an address of this machine, which may lie in
 * a prefix; one that preserves it any that its rule takes.
 */
function isHeard({ input_source }: Rule, maker: Rule, output: Output): boolean {
  const source = sourceOf(maker, output);
  if (input_source === undefined || source === undefined) {
    return input_source === undefined || output.preserve_source === true || prefixOf(input_source).bits < 32;
  }
  const [wanted, made] = [prefixOf(input_source), prefixOf(source)];
  return holds(wanted, made) || holds(made, wanted);
}

/** Where its datagrams come from as far as the rule says it. */
function sourceOf(rule: Rule, output: Output): string | undefined {
  return output.preserve_source === true ? rule.input_source : output.source_ip;
}

/**
 * Whether `taker` takes something of what `output` of `maker` makes. Of ranges it is enough that they overlap: where each single
 * datagram would go is not followed, so that two mappings can seem to meet that never do.
 */
export function takes(taker: Rule, maker: Rule, output: Output): boolean {
  return (
    taker.input_protocol === maker.input_protocol &&
    namesLink(taker.input_interface, output.interface) &&
    isHeard(taker, maker, output) &&
    overlap(areaOf(taker), madeBy(maker, output))
  );
}

/** Whether two outputs, each of its rule, make something that receivers cannot tell apart by address, port and source. */
export function makeTheSame(one: { rule: Rule; output: Output }, other: { rule: Rule; output: Output }): boolean {
  return (
    one.output.interface === other.output.interface &&
    one.rule.input_protocol === other.rule.input_protocol &&
    isOneStream(sourceOf(one.rule, one.output), sourceOf(other.rule, other.output)) &&
    overlap(madeBy(one.rule, one.output), madeBy(other.rule, other.output))
  );
}

/** Two outputs with two sources are two channels to whoever asks for a source. */
function isOneStream(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) {
    return true;
  }
  return holds(prefixOf(one), prefixOf(other)) || holds(prefixOf(other), prefixOf(one));
}

class Shelf {
  private readonly rules = new Map<string, Set<Rule>>();

  add(key: string, rule: Rule): void {
    this.rules.set(key, (this.rules.get(key) ?? new Set()).add(rule));
  }

  delete(key: string, rule: Rule): void {
    const rules = this.rules.get(key);
    rules?.delete(rule);
    if (rules?.size === 0) {
      this.rules.delete(key);
    }
  }

  at(key: string): Iterable<Rule> {
    return this.rules.get(key) ?? [];
  }

  /** How many rules stand under a key. */
  countAt(key: string): number {
    return this.rules.get(key)?.size ?? 0;
  }

  *where(isMeant: (key: string) => boolean): Iterable<Rule> {
    for (const [key, rules] of this.rules) {
      if (isMeant(key)) {
        yield* rules;
      }
    }
  }
}

/** Who takes and who makes, by address and port and by link. */
export class Places {
  private readonly takers = { one: new Shelf(), onLink: new Shelf(), wideOnLink: new Shelf() };
  private readonly makers = { one: new Shelf(), onLink: new Shelf(), wideOnLink: new Shelf() };

  put(rule: Rule): void {
    this.change(rule, (shelf, key) => shelf.add(key, rule));
  }

  take(rule: Rule): void {
    this.change(rule, (shelf, key) => shelf.delete(key, rule));
  }

  /** Rules that may take what `output` of `rule` makes; takes() says which do. */
  *takersOf(rule: Rule, output: Output): Iterable<Rule> {
    const made = madeBy(rule, output);
    const isMeant = (link: string) => namesLink(link, output.interface);
    if (isOne(made)) {
      yield* this.takers.one.at(placeOf(output.interface, made, rule));
      yield* this.takers.wideOnLink.where(isMeant);
    } else {
      yield* this.takers.onLink.where(isMeant);
    }
  }

  /** Rules that may make what `rule` takes. */
  *makersFor(rule: Rule): Iterable<Rule> {
    const area = areaOf(rule);
    if (isRanged(rule)) {
      yield* this.makers.onLink.where((link) => namesLink(rule.input_interface, link));
    } else {
      yield* this.makers.one.at(placeOf(area.link, area, rule));
      yield* this.makers.wideOnLink.at(area.link);
    }
  }

  /** Rules that may make what `output` of `rule` makes, it among them, and how many there are at least. */
  makersBeside(rule: Rule, output: Output): { rules: Iterable<Rule>; count: number } {
    const { one, onLink, wideOnLink } = this.makers;
    const made = madeBy(rule, output);
    if (!isOne(made)) {
      return { rules: onLink.at(output.interface), count: onLink.countAt(output.interface) };
    }
    const key = placeOf(output.interface, made, rule);
    const both = [...wideOnLink.at(output.interface)];
    return both.length === 0
      ? { rules: one.at(key), count: one.countAt(key) }
      : { rules: [...one.at(key), ...both], count: one.countAt(key) + both.length };
  }

  private change(rule: Rule, change: (shelf: Shelf, key: string) => void): void {
    const area = areaOf(rule);
    change(this.takers.onLink, area.link);
    if (isRanged(rule)) {
      change(this.takers.wideOnLink, area.link);
      // Its source apart it may still be one place; takersOf() finds it by its link.
    } else {
      change(this.takers.one, placeOf(area.link, area, rule));
    }
    for (const output of rule.outputs) {
      const made = madeBy(rule, output);
      change(this.makers.onLink, output.interface);
      if (isOne(made)) {
        change(this.makers.one, placeOf(output.interface, made, rule));
      } else {
        change(this.makers.wideOnLink, output.interface);
      }
    }
  }
}

/** Link names hold neither ':' nor '/'. */
function placeOf(link: string, { group, ports }: Made, { input_protocol }: Rule): string {
  return `${link}:${group.first}:${ports.first}/${input_protocol}`;
}
