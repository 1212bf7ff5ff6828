// Which addresses a link's rules want, whatever the port: so that frames which no rule takes are still known to be near one.
// Asked only for such frames.
import type { MatchRule } from "./match.ts";

/** By destination, the rule under whose counters the others of its group are kept: the first of them. */
export class Groups {
  private readonly words: Int32Array;
  private readonly rules: (MatchRule | undefined)[];
  private readonly mask: number;

  constructor(rules: readonly MatchRule[]) {
    let capacity = 8;
    while (capacity < rules.length * 4) {
      capacity *= 2;
    }
    this.mask = capacity - 1;
    this.words = new Int32Array(capacity);
    this.rules = new Array<MatchRule | undefined>(capacity).fill(undefined);
    for (const rule of rules) {
      const at = this.placeOf(rule.destinationWord);
      this.words[at] = rule.destinationWord;
      this.rules[at] ??= rule;
    }
  }

  /** The rule that stands for an address, as Datagram.destinationWord has it; undefined when nobody wants the address. */
  find(destinationWord: number): MatchRule | undefined {
    return this.rules[this.placeOf(destinationWord)];
  }

  private placeOf(word: number): number {
    let at = (Math.imul(word, 0x9e3779b1) >>> 16) & this.mask;
    while (this.rules[at] !== undefined && this.words[at] !== (word | 0)) {
      at = (at + 1) & this.mask;
    }
    return at;
  }
}
