// Which rule's output is which rule's input, and who makes the same (group, port) on one link. Pure. A datagram that can come back
// to a rule by way of rules alone is found here, before any of them is applied; loops.ts says it in words.
import { isEnabled } from "./labels.ts";
import { makeTheSame, Places, takes } from "./places.ts";
import type { Output, Rule } from "./schema.ts";

/** One step of a cycle: the rule, and that output of it which is the next rule's input. The last one's next is the first. */
export type Hop = { rule: Rule; output: Output };

/** An output of a rule that others make too: of `rule`, or of another. `others` holds a few of them, `count` says how many. */
export type Shared = { output: Output; others: Rule[]; count: number };

/** How many makers of one place are looked at one by one, for each rule that makes it too. */
const makersLookedAtMax = 64;

/** Rules as a graph. Every change costs as much as the rule has outputs. A disabled rule is not in it: it makes and takes nothing. */
export class RuleGraph {
  private readonly places = new Places();

  put(rule: Rule): void {
    if (isEnabled(rule)) {
      this.places.put(rule);
    }
  }

  take(rule: Rule): void {
    this.places.take(rule);
  }

  /**
   * A cycle that there would be with `put` in and `gone` out, and was not there before; undefined: none. Changes nothing. Rules
   * that allow loops are in no cycle, whoever else is.
   */
  cycleAfter(put: readonly Rule[], gone: readonly Rule[]): Hop[] | undefined {
    for (const rule of gone) {
      this.take(rule);
    }
    for (const rule of put) {
      this.put(rule);
    }
    let cycle: Hop[] | undefined;
    for (const rule of put) {
      cycle ??= this.cycleThrough(rule);
    }
    for (const rule of put) {
      this.take(rule);
    }
    for (const rule of gone) {
      this.put(rule);
    }
    return cycle;
  }

  /**
   * A cycle through `rule`, which is in the graph: short, though not always the shortest. It is looked for from both ends, a rule at
   * a time, and given up as soon as one end is exhausted: rules that nobody feeds, or that feed nobody, cost next to nothing.
   * `despite`: also one that is allowed.
   */
  cycleThrough(rule: Rule, despite = false): Hop[] | undefined {
    if (!isEnabled(rule) || (rule.allow_loop === true && !despite)) {
      return undefined;
    }
    const isIn = (each: Rule) => despite || each.allow_loop !== true;
    const ahead = new Search(rule, (each) => this.fedBy(each).filter(isIn));
    const behind = new Search(rule, (each) => this.feeding(each).filter(isIn));
    for (;;) {
      const met = ahead.step(behind) ?? behind.step(ahead);
      if (met !== undefined) {
        return this.hopsOf([...ahead.wayTo(met).reverse(), ...behind.wayTo(met).slice(1)]);
      }
      if (ahead.isExhausted || behind.isExhausted) {
        return undefined;
      }
    }
  }

  /**
   * What `rule` makes that another output, its own or another rule's, makes as well. `othersMax`: how many are named. Where very
   * many do, all are counted that make the same place, whatever their source: ten thousand rules with one output are looked at
   * ten thousand times.
   */
  sharedBy(rule: Rule, othersMax: number): Shared[] {
    return (isEnabled(rule) ? rule.outputs : []).flatMap((output, index) => {
      const isSame = (maker: Rule, other: Output) => makeTheSame({ rule, output }, { rule: maker, output: other });
      const others: Rule[] = [];
      let count = rule.outputs.some((other, at) => at < index && isSame(rule, other)) ? 1 : 0;
      if (count === 1) {
        others.push(rule);
      }
      const makers = this.places.makersBeside(rule, output);
      let looked = 0;
      for (const maker of makers.rules) {
        if (looked === makersLookedAtMax) {
          count += makers.count - looked;
          break;
        }
        looked++;
        if (maker !== rule && maker.outputs.some((other) => isSame(maker, other))) {
          count++;
          if (others.length < othersMax) {
            others.push(maker);
          }
        }
      }
      return count === 0 ? [] : [{ output, others, count }];
    });
  }

  private fedBy(rule: Rule): Rule[] {
    return rule.outputs.flatMap((output) =>
      [...this.places.takersOf(rule, output)].filter((taker) => takes(taker, rule, output)),
    );
  }

  private feeding(rule: Rule): Rule[] {
    return [...this.places.makersFor(rule)].filter((maker) =>
      maker.outputs.some((output) => takes(rule, maker, output)),
    );
  }

  /** The steps of a way that ends where it begins. */
  private hopsOf(way: readonly Rule[]): Hop[] {
    return way.slice(0, -1).flatMap((rule, at) => {
      const next = way[at + 1] ?? rule;
      const output = rule.outputs.find((each) => takes(next, rule, each));
      return output === undefined ? [] : [{ rule, output }];
    });
  }
}

/** One end of a search: rule after rule in the order of their distance. */
class Search {
  private readonly start: Rule;
  private readonly next: (rule: Rule) => Rule[];
  /** Where each rule was come upon from. The start is not in it: to come upon it closes the cycle. */
  private readonly from = new Map<Rule, Rule>();
  private readonly queue: Rule[];
  private at = 0;

  constructor(start: Rule, next: (rule: Rule) => Rule[]) {
    this.start = start;
    this.next = next;
    this.queue = [start];
  }

  get isExhausted(): boolean {
    return this.at === this.queue.length;
  }

  /** Looks at the neighbours of one more rule; returns the one where it met the other end, or the start. */
  step(other: Search): Rule | undefined {
    const rule = this.queue[this.at];
    if (rule === undefined) {
      return undefined;
    }
    this.at++;
    for (const neighbour of this.next(rule)) {
      if (!this.from.has(neighbour)) {
        this.from.set(neighbour, rule);
        if (neighbour === this.start || other.from.has(neighbour)) {
          return neighbour;
        }
        this.queue.push(neighbour);
      }
    }
    return undefined;
  }

  /** From `met` to the start, both included; the start alone when the other end came the whole way. */
  wayTo(met: Rule): Rule[] {
    const way = [met];
    for (
      let rule = this.from.get(met);
      rule !== undefined;
      rule = rule === this.start ? undefined : this.from.get(rule)
    ) {
      way.push(rule);
    }
    return way;
  }
}
