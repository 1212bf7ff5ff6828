// Which rule wants a datagram: hash tables of one link's rules, no allocation on the way of a packet. Rules of one shape (length of
// prefixes, width of ports) share a table, and tables are asked from the most specific shape on (rules/precedence.ts): so a frame
// costs as many looks as there are shapes, however many rules. Rules without ranges have two shapes, with and without a source.
// Made anew from its rules whenever they change, and exchanged in one assignment; the packet's path only reads.
import { Groups } from "./groups.ts";
import { maskWord } from "./mask.ts";

/** What ingress needs of a rule. */
export type MatchRule = {
  /** Never used twice in the life of a worker; what the queue carries. */
  serial: number;
  /** Index of the rule's counters in the page. */
  counter: number;
  /** As Datagram has them: destinationWord, sourceWord; so many of their first bits count. No bits of the source: every source. */
  destinationWord: number;
  destinationBits: number;
  sourceWord: number;
  sourceBits: number;
  /** Ports in host order, 0 without ports. */
  portFirst: number;
  portLast: number;
  protocol: number;
  /** Of rules that want the same, the one with the higher rank gets it. */
  linkRank: number;
};

const keyWords = 3;

/** Spreads three words over 32 bits; constants of MurmurHash3's finalizer, which is in the public domain. */
function mix(destination: number, portAndProtocol: number, source: number): number {
  let hash =
    Math.imul(destination, 0x85ebca6b) ^ Math.imul(portAndProtocol, 0xc2b2ae35) ^ Math.imul(source, 0x27d4eb2f);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash;
}

/** Rules of one shape, open addressing. A range of ports stands under each cell of its width that it reaches into: one or two. */
class Shape {
  private readonly keys: Int32Array;
  private readonly rules: (MatchRule | undefined)[];
  private readonly mask: number;
  private readonly destinationMask: number;
  private readonly sourceMask: number;
  private readonly width: number;

  constructor(rules: readonly MatchRule[], { destinationBits, sourceBits, portFirst, portLast }: MatchRule) {
    this.destinationMask = maskWord(destinationBits);
    this.sourceMask = maskWord(sourceBits);
    this.width = portLast - portFirst + 1;
    let capacity = 8;
    // A quarter full at most: a miss, the common case of a flood, then looks at 1.2 places.
    while (capacity < rules.length * (this.width === 1 ? 4 : 8)) {
      capacity *= 2;
    }
    this.mask = capacity - 1;
    this.keys = new Int32Array(capacity * keyWords);
    this.rules = new Array<MatchRule | undefined>(capacity).fill(undefined);
    for (const rule of rules) {
      const [first, last] = [this.cellOf(rule.portFirst), this.cellOf(rule.portLast)];
      this.insert(rule, first);
      if (last !== first) {
        this.insert(rule, last);
      }
    }
  }

  find(destination: number, portAndProtocol: number, source: number): MatchRule | undefined {
    const { keys, rules, mask } = this;
    const port = portAndProtocol & 0xffff;
    const to = destination & this.destinationMask;
    const what = this.cellOf(port) | (portAndProtocol & ~0xffff);
    const from = source & this.sourceMask;
    for (let at = mix(to, what, from) & mask; ; at = (at + 1) & mask) {
      const rule = rules[at];
      if (rule === undefined) {
        return undefined;
      }
      const key = at * keyWords;
      if (keys[key] === to && keys[key + 1] === what && keys[key + 2] === from) {
        // A cell may hold the ends of two ranges.
        if (port >= rule.portFirst && port <= rule.portLast) {
          return rule;
        }
      }
    }
  }

  private cellOf(port: number): number {
    return this.width === 1 ? port : (port / this.width) | 0;
  }

  private insert(rule: MatchRule, cell: number): void {
    const to = rule.destinationWord & this.destinationMask;
    const what = cell | (rule.protocol << 16);
    const from = rule.sourceWord & this.sourceMask;
    let at = mix(to, what, from) & this.mask;
    while (this.rules[at] !== undefined) {
      at = (at + 1) & this.mask;
    }
    this.rules[at] = rule;
    this.keys[at * keyWords] = to;
    this.keys[at * keyWords + 1] = what;
    this.keys[at * keyWords + 2] = from;
  }
}

/** The rules of one link, by what a datagram shows of itself. */
export class MatchTable {
  readonly size: number;
  /** The addresses that these rules want. */
  readonly groups: Groups<MatchRule>;
  private readonly shapes: readonly Shape[];

  constructor(rules: readonly MatchRule[]) {
    this.size = rules.length;
    this.groups = new Groups(rules);
    const byShape = Map.groupBy(rules, ({ destinationBits, portFirst, portLast, sourceBits }) =>
      [destinationBits, portLast - portFirst, sourceBits].join(" "),
    );
    this.shapes = [...byShape.values()]
      .flatMap((each) => (each[0] === undefined ? [] : [{ first: each[0], rules: each }]))
      .sort((a, b) => compareShapes(a.first, b.first))
      // Where two want the same, the first to be inserted is found first.
      .map(
        ({ first, rules: each }) =>
          new Shape(
            each.toSorted((a, b) => b.linkRank - a.linkRank),
            first,
          ),
      );
  }

  /** The rule for a datagram: of those that want it, the most specific. */
  find(destination: number, portAndProtocol: number, source: number): MatchRule | undefined {
    const { shapes } = this;
    for (let at = 0; at < shapes.length; at++) {
      const rule = (shapes[at] as Shape).find(destination, portAndProtocol, source);
      if (rule !== undefined) {
        return rule;
      }
    }
    return undefined;
  }
}

/** Less than 0: the rules of `a` go before those of `b`. The same order as in rules/precedence.ts. */
function compareShapes(a: MatchRule, b: MatchRule): number {
  return (
    b.destinationBits - a.destinationBits ||
    a.portLast - a.portFirst - (b.portLast - b.portFirst) ||
    b.sourceBits - a.sourceBits
  );
}
