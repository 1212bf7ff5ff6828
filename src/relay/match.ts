// Which rule wants a datagram: a hash table of one link's rules, open addressing, no allocation on the way of a packet.
// Made anew from its rules whenever they change, and exchanged in one assignment; the packet's path only reads.
import { Groups } from "./groups.ts";

/** What ingress needs of a rule. */
export type MatchRule = {
  /** Never used twice in the life of a worker; what the queue carries. */
  serial: number;
  /** Index of the rule's counters in the page. */
  counter: number;
  /** As Datagram has them: destinationWord, portAndProtocol, sourceWord (0: every source). */
  destinationWord: number;
  portAndProtocol: number;
  sourceWord: number;
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

/** The rules of one link, by what a datagram shows of itself. Keys of two rules differ. */
export class MatchTable {
  readonly size: number;
  /** The addresses that these rules want. */
  readonly groups: Groups;
  private readonly keys: Int32Array;
  private readonly rules: (MatchRule | undefined)[];
  private readonly mask: number;
  private readonly hasSources: boolean;
  // ESP has no ports, and a rule with port 0 takes every port of its group.
  private readonly hasWildcards: boolean;

  constructor(rules: readonly MatchRule[]) {
    let capacity = 8;
    // A quarter full at most: a miss, the common case of a flood, then looks at 1.2 places.
    while (capacity < rules.length * 4) {
      capacity *= 2;
    }
    this.size = rules.length;
    this.groups = new Groups(rules);
    this.mask = capacity - 1;
    this.keys = new Int32Array(capacity * keyWords);
    this.rules = new Array<MatchRule | undefined>(capacity).fill(undefined);
    this.hasSources = rules.some((rule) => rule.sourceWord !== 0);
    this.hasWildcards = rules.some((rule) => (rule.portAndProtocol & 0xffff) === 0);
    for (const rule of rules) {
      this.insert(rule);
    }
  }

  /** The rule for a datagram; one that names the source goes before one that does not, an exact port before port 0. */
  find(destination: number, portAndProtocol: number, source: number): MatchRule | undefined {
    if (this.hasSources) {
      const exact = this.look(destination, portAndProtocol, source);
      if (exact !== undefined) {
        return exact;
      }
    }
    const found = this.look(destination, portAndProtocol, 0);
    if (found !== undefined || !this.hasWildcards) {
      return found;
    }
    const anyPort = portAndProtocol & ~0xffff;
    return (
      (this.hasSources ? this.look(destination, anyPort, source) : undefined) ?? this.look(destination, anyPort, 0)
    );
  }

  private look(destination: number, portAndProtocol: number, source: number): MatchRule | undefined {
    const { keys, rules, mask } = this;
    for (let at = mix(destination, portAndProtocol, source) & mask; ; at = (at + 1) & mask) {
      const rule = rules[at];
      if (rule === undefined) {
        return undefined;
      }
      const key = at * keyWords;
      if (keys[key] === (destination | 0) && keys[key + 1] === portAndProtocol && keys[key + 2] === (source | 0)) {
        return rule;
      }
    }
  }

  private insert(rule: MatchRule): void {
    let at = mix(rule.destinationWord, rule.portAndProtocol, rule.sourceWord) & this.mask;
    while (this.rules[at] !== undefined) {
      at = (at + 1) & this.mask;
    }
    this.rules[at] = rule;
    this.keys[at * keyWords] = rule.destinationWord;
    this.keys[at * keyWords + 1] = rule.portAndProtocol;
    this.keys[at * keyWords + 2] = rule.sourceWord;
  }
}
