// Which of several rules gets a datagram: all that stands between an operator's rules and the packet's path, against a matcher that
// looks at every rule in turn and knows nothing of masks and tables.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { swap } from "../../src/base/byte-order.ts";
import { MatchTable } from "../../src/relay/match.ts";
import { areaOf, areasOverlap, compareAreas, rangeOf, reasonBefore } from "../../src/rules/precedence.ts";
import { namesLink } from "../../src/rules/range.ts";
import { makeRule, type Rule, ruleDraftSchema } from "../../src/rules/schema.ts";
import { RuleTable } from "../../src/rules/table.ts";
import { matchRule } from "../../src/worker/match-rule.ts";
import { prove } from "../helpers/prove.ts";

type Frame = { link: string; to: string; port: number; from: string };
type Wish = Pick<Rule, "input_interface" | "input_group" | "input_port"> & { input_source?: string | undefined };

const links = ["eth0", "eth0.1", "eth0.2", "eth1"];
// Few bits differ, so that prefixes hold each other and datagrams meet several rules.
const groups = [
  "239.0.0.0/8",
  "239.1.0.0/16",
  "239.1.0.0/17",
  "239.1.128.0/17",
  "239.1.1.0/24",
  "239.1.1.1",
  "239.1.200.1",
  "224.0.0.0/4",
];
const ports = [5000, 5001, 5003, "5000-5003", "5000-5001", "5001-5004", "5002-5003", "1-65535"];
const sources = [undefined, undefined, "10.0.0.0/8", "10.1.0.0/16", "10.1.0.1", "10.1.0.2"];

const wish: fc.Arbitrary<Wish> = fc.record({
  input_interface: fc.constantFrom(...links, "eth*", "eth0*", "eth0.*"),
  input_group: fc.constantFrom(...groups),
  input_port: fc.constantFrom(...ports),
  input_source: fc.constantFrom(...sources),
});
const frame: fc.Arbitrary<Frame> = fc.record({
  link: fc.constantFrom(...links),
  to: fc.constantFrom("239.1.1.1", "239.1.1.2", "239.1.200.1", "239.1.2.1", "239.9.9.9", "230.0.0.1"),
  port: fc.constantFrom(4999, 5000, 5001, 5002, 5003, 5004, 5005),
  from: fc.constantFrom("10.1.0.1", "10.1.0.2", "10.1.5.5", "10.2.0.1", "192.0.2.1"),
});

/** An address as 32 digits. */
const bits = (address: string) =>
  address
    .split(".")
    .map((octet) => Number(octet).toString(2).padStart(8, "0"))
    .join("");
const lengthOf = (prefix: string | undefined) => (prefix === undefined ? 0 : Number(prefix.split("/")[1] ?? 32));
const isIn = (prefix: string | undefined, address: string) =>
  prefix === undefined || bits(address).startsWith(bits(prefix.split("/")[0] ?? "").slice(0, lengthOf(prefix)));
const rangeIn = (port: number | string) => {
  const [first = 0, last = first] = String(port).split("-").map(Number);
  return { first, last };
};
const isLink = (name: string, link: string) =>
  name.endsWith("*") ? link.slice(0, name.length - 1) === name.slice(0, -1) : link === name;

function wants(rule: Wish, { link, to, port, from }: Frame): boolean {
  const { first, last } = rangeIn(rule.input_port);
  return (
    isLink(rule.input_interface, link) &&
    isIn(rule.input_group, to) &&
    port >= first &&
    port <= last &&
    isIn(rule.input_source, from)
  );
}

/** How specific a rule is: compared place by place, more is more. */
function specificity(rule: Wish): number[] {
  const { first, last } = rangeIn(rule.input_port);
  const name = rule.input_interface;
  return [
    lengthOf(rule.input_group),
    first - last,
    lengthOf(rule.input_source),
    name.endsWith("*") ? name.length - 1 : 99,
  ];
}

function compare(a: Wish, b: Wish): number {
  const [one, other] = [specificity(a), specificity(b)];
  const at = one.findIndex((each, place) => each !== other[place]);
  return at < 0 ? 0 : (other[at] ?? 0) - (one[at] ?? 0);
}

function ruleOf(wanted: Wish, at: number): Rule {
  return makeRule(ruleDraftSchema.parse({ ...wanted, rule_id: `r${at}`, outputs: [] }), "Dynamic");
}

/** As the supervisor tells workers of the rules that run on `link`. */
function tableOf(rules: readonly Rule[], link: string): MatchTable {
  const there = rules.flatMap((rule, at) => (namesLink(rule.input_interface, link) ? [{ rule, serial: at + 1 }] : []));
  return new MatchTable(
    there.map(({ rule, serial }) => {
      const { group, ports: span, source, protocol } = areaOf(rule);
      const place = { group: group.first, port: span.first, protocol, source: source.first };
      return matchRule({ serial, counter: 0, ...place, range: rangeOf(rule) });
    }),
  );
}

const word = (address: string) => swap(Number.parseInt(bits(address), 2));

/** All frames that some of the rules above can tell apart. */
const everyFrame: Frame[] = links.flatMap((link) =>
  ["239.1.1.1", "239.1.1.2", "239.1.200.1", "239.1.2.1", "239.1.129.1", "239.9.9.9", "230.0.0.1"].flatMap((to) =>
    [1, 5000, 5001, 5002, 5003, 5004].flatMap((port) =>
      ["10.1.0.1", "10.1.0.2", "10.1.5.5", "10.2.0.1", "192.0.2.1"].map((from) => ({ link, to, port, from })),
    ),
  ),
);

describe("of several rules that want a datagram", () => {
  test("the tables find what a look at every rule finds, for 4,000 sets of rules", () => {
    prove(
      fc.property(
        fc.array(wish, { maxLength: 24 }),
        fc.array(frame, { minLength: 20, maxLength: 40 }),
        (wishes, frames) => {
          const table = new RuleTable();
          for (const [at, each] of wishes.entries()) {
            table.add(ruleOf(each, at));
          }
          const rules = table.list();
          const tables = new Map(links.map((link) => [link, tableOf(rules, link)]));
          for (const each of frames) {
            const [best] = rules.filter((rule) => wants(rule, each)).sort(compare);
            const found = tables.get(each.link)?.find(word(each.to), each.port | (17 << 16), word(each.from));
            expect(found === undefined ? undefined : rules[found.serial - 1]?.rule_id).toBe(best?.rule_id);
          }
        },
      ),
      4_000,
    );
  });

  test("two are refused exactly when some datagram is for both and neither is more specific", () => {
    prove(
      fc.property(wish, wish, (one, other) => {
        const table = new RuleTable();
        expect(table.add(ruleOf(one, 1)).ok).toBe(true);
        const isTie = compare(one, other) === 0 && everyFrame.some((each) => wants(one, each) && wants(other, each));
        const added = table.add(ruleOf(other, 2));
        expect(added.ok).toBe(!isTie);
        if (!added.ok) {
          // Both spelled out.
          expect(added.error).toContain(String(one.input_port));
          expect(added.error).toContain(String(other.input_port));
        }
      }),
      1_500,
    );
  });

  test("what overlaps, and which goes before which, is told as it happens", () => {
    prove(
      fc.property(wish, wish, (one, other) => {
        const [a, b] = [areaOf(ruleOf(one, 1)), areaOf(ruleOf(other, 2))];
        expect(areasOverlap(a, b)).toBe(everyFrame.some((each) => wants(one, each) && wants(other, each)));
        expect(Math.sign(compareAreas(a, b))).toBe(Math.sign(compare(one, other)));
      }),
      1_500,
    );
  });

  test.each([
    [{ input_group: "239.1.1.0/24" }, { input_group: "239.1.0.0/16" }, "its group is a /24, against a /16"],
    [{ input_group: "239.1.1.1" }, { input_group: "239.1.0.0/16" }, "its group is one address, against a /16"],
    [{ input_port: 5000 }, { input_port: "5000-5999" }, "it names one port, against 1000"],
    [{ input_source: "10.0.0.0/8" }, {}, "its source is a /8, against any"],
    [{ input_interface: "eth0" }, { input_interface: "eth*" }, "it names the link eth0, against 'eth*'"],
    [{ input_interface: "eth0*" }, { input_interface: "eth*" }, "its links 'eth0*' are fewer than 'eth*'"],
  ])("%o goes before %o, and why is said", (one, other, why) => {
    const plain: Wish = { input_interface: "eth0", input_group: "239.1.0.0/16", input_port: "5000-5999" };
    const [winner, loser] = [areaOf(ruleOf({ ...plain, ...one }, 1)), areaOf(ruleOf({ ...plain, ...other }, 2))];
    expect(compareAreas(winner, loser)).toBeLessThan(0);
    expect(reasonBefore(winner, loser)).toBe(why);
  });
});

test("a rule that replaces the one it would tie with may stand", () => {
  const table = new RuleTable();
  const plain = { input_interface: "eth0", input_group: "239.1.0.0/16" };
  table.add(ruleOf({ ...plain, input_port: "5000-5999" }, 1));
  expect(table.add(ruleOf({ ...plain, input_port: "5500-6499" }, 1)).ok).toBe(true);
  expect(table.add(ruleOf({ ...plain, input_port: "5000-5499" }, 2)).ok).toBe(true);
  expect(table.add(ruleOf({ ...plain, input_port: "6000-6999" }, 3)).ok).toBe(false);
});

test("rules of more shapes than a frame is looked up in are refused, and the text says what to do", () => {
  const table = new RuleTable();
  const wide = (at: number) =>
    ruleOf({ input_interface: "eth0", input_group: "239.0.0.0/8", input_port: `5000-${5001 + at}` }, at);
  const results = Array.from({ length: 33 }, (_, at) => table.add(wide(at)));
  expect(results.map(({ ok }) => ok)).toEqual(results.map((_, at) => at < 32));
  const last = results[32];
  expect(last?.ok === false ? last.error : "").toContain(
    "33 different lengths of prefixes and widths of port ranges; at most 32",
  );
  table.remove("r0");
  expect(table.add(wide(32)).ok).toBe(true);
});
