import { test } from "bun:test";
import fc from "fast-check";
import { Groups } from "../../src/relay/groups.ts";
import { exactly } from "../helpers/match-rule.ts";
import { prove } from "../helpers/prove.ts";

const rule = (destinationWord: number, counter: number) =>
  exactly({ serial: counter + 1, counter, destinationWord, portAndProtocol: (17 << 16) | counter, sourceWord: 0 });

test("an address finds the first rule that wants it, and one that nobody wants finds none", () => {
  prove(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 0xffffffff }), { maxLength: 200 }),
      fc.nat(0xffffffff),
      (words, other) => {
        const rules = words.map(rule);
        const groups = new Groups(rules);
        const firsts = words.every((word) => groups.find(word) === rules.find((each) => each.destinationWord === word));
        return firsts && (words.includes(other) || groups.find(other) === undefined);
      },
    ),
    500,
  );
});
