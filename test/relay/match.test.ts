import { expect, test } from "bun:test";
import fc from "fast-check";
import { MatchTable } from "../../src/relay/match.ts";
import { exactly, type Words } from "../helpers/match-rule.ts";
import { prove } from "../helpers/prove.ts";

type Key = Pick<Words, "destinationWord" | "portAndProtocol" | "sourceWord">;

/** The same question, asked of every rule in turn: named source before any source. */
function slowFind(rules: readonly Words[], wanted: Key): Words | undefined {
  const same = rules.filter(
    (rule) => rule.destinationWord === wanted.destinationWord && rule.portAndProtocol === wanted.portAndProtocol,
  );
  return same.find((rule) => rule.sourceWord === wanted.sourceWord) ?? same.find((rule) => rule.sourceWord === 0);
}

function rulesOf(keys: readonly Key[]): Words[] {
  const unique = new Map(keys.map((key) => [JSON.stringify(key), key]));
  return [...unique.values()].map((key, at) => ({ ...key, serial: at + 1, counter: at }));
}

// Few of each, so that most questions hit and rules differ in one word only; the high bit set, as every group has it swapped or not.
const key: fc.Arbitrary<Key> = fc.record({
  destinationWord: fc.constantFrom(0x010101ef, 0xef010101, 0xffffffff, 0x80000000),
  portAndProtocol: fc.constantFrom(17 << 16, (17 << 16) | 5000, (17 << 16) | 65535, 50 << 16, (17 << 16) | 1),
  sourceWord: fc.constantFrom(0, 0, 0x0100000a, 0xff00000a),
});

test("finds what a look at every rule finds", () => {
  prove(
    fc.property(fc.array(key, { maxLength: 40 }), fc.array(key, { minLength: 1, maxLength: 40 }), (keys, wanted) => {
      const rules = rulesOf(keys);
      const table = new MatchTable(rules.map(exactly));
      for (const each of wanted) {
        const found = table.find(each.destinationWord, each.portAndProtocol, each.sourceWord);
        expect(found?.serial).toBe(slowFind(rules, each)?.serial);
      }
    }),
    3_000,
  );
});

test("finds each of 10,000 rules, and nothing beside them", () => {
  const keys = Array.from({ length: 10_000 }, (_, at) => ({
    // As an operator numbers them: groups and ports one after the other, which is how hash functions are found out.
    destinationWord: (0x000000ef | ((at & 0xff) << 24) | ((at >> 8) << 16)) >>> 0,
    portAndProtocol: (17 << 16) | (5000 + (at % 7)),
    sourceWord: at % 3 === 0 ? (0x0100000a + at) >>> 0 : 0,
  }));
  const rules = rulesOf(keys);
  const table = new MatchTable(rules.map(exactly));
  expect(table.size).toBe(10_000);
  for (const rule of rules) {
    const source = rule.sourceWord === 0 ? 0x0909090a : rule.sourceWord;
    expect(table.find(rule.destinationWord, rule.portAndProtocol, source)?.serial).toBe(rule.serial);
    expect(table.find(rule.destinationWord, rule.portAndProtocol + 7, source)).toBeUndefined();
    expect(table.find(rule.destinationWord ^ 0x100, rule.portAndProtocol, source)).toBeUndefined();
  }
});

test("rules whose hashes collide are told apart: every one of 3 in a table of 8 places is found", () => {
  for (let base = 0; base < 5_000; base++) {
    const rules = rulesOf(
      [0, 1, 2].map((at) => ({ destinationWord: (base * 3 + at) >>> 0, portAndProtocol: 17 << 16, sourceWord: 0 })),
    );
    const table = new MatchTable(rules.map(exactly));
    expect(
      rules.every((rule) => table.find(rule.destinationWord, rule.portAndProtocol, 7)?.serial === rule.serial),
    ).toBe(true);
  }
});

test("a rule whose words are all zero but the protocol does not match an empty place", () => {
  expect(new MatchTable([]).find(0, 0, 0)).toBeUndefined();
  expect(new MatchTable([]).find(0, 17 << 16, 0)).toBeUndefined();
});
