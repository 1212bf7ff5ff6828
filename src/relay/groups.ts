// Which addresses a link's rules want, whatever the port: so that frames which no rule takes are still known to be near one.
// Asked only for such frames.
import { maskWord } from "./mask.ts";

/** As MatchRule has them. */
type Wanted = { destinationWord: number; destinationBits: number };

/** By destination, the rule under whose counters the others of its group are kept: the first of them, of the longest prefix. */
export class Groups<Rule extends Wanted> {
  private readonly levels: { mask: number; rules: Map<number, Rule> }[];

  constructor(rules: readonly Rule[]) {
    const byLength = Map.groupBy(rules, ({ destinationBits }) => destinationBits);
    this.levels = [...byLength]
      .sort(([a], [b]) => b - a)
      .map(([bits, each]) => {
        const mask = maskWord(bits);
        // Backwards, so that the first one stays.
        return { mask, rules: new Map(each.toReversed().map((rule) => [rule.destinationWord & mask, rule])) };
      });
  }

  /** The rule that stands for an address, as Datagram.destinationWord has it; undefined when nobody wants the address. */
  find(destinationWord: number): Rule | undefined {
    for (let at = 0; at < this.levels.length; at++) {
      const level = this.levels[at];
      const rule = level?.rules.get(destinationWord & level.mask);
      if (rule !== undefined) {
        return rule;
      }
    }
    return undefined;
  }
}
