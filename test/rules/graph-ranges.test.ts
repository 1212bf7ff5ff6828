// Cycles and shared outputs of rules with ranges, against brute force: every single datagram that a rule takes is followed to where its
// output sends it, without a prefix, a mask or a table.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { RuleGraph } from "../../src/rules/graph.ts";
import { makeRule, type Output, type Rule, ruleDraftSchema } from "../../src/rules/schema.ts";
import { prove } from "../helpers/prove.ts";

type Datagram = { last: number; port: number };

const links = ["a0", "a1", "b0"];
const lasts = [0, 1, 2, 3];
const ports = [1, 2, 3, 4, 5];
const senders = [0, 1, 2, 3];

const input = fc.record({
  input_interface: fc.constantFrom(...links, "a*"),
  // Groups 239.1.1.0 to .3: all, a half, one.
  input_group: fc.constantFrom(
    "239.1.1.0/30",
    "239.1.1.0/31",
    "239.1.1.2/31",
    ...lasts.map((last) => `239.1.1.${last}`),
  ),
  input_port: fc.constantFrom(1, 2, 3, "1-3", "2-4"),
  input_source: fc.constantFrom(undefined, undefined, "10.0.0.0/31", "10.0.0.0", "10.0.0.3"),
  allow_loop: fc.integer({ min: 0, max: 9 }).map((at) => at === 0),
});
const output = fc.record({
  interface: fc.constantFrom(...links),
  isMapped: fc.boolean(),
  last: fc.constantFrom(...lasts),
  port: fc.constantFrom(1, 2, 3, "+0", "+1", "-1"),
  from: fc.constantFrom(undefined, undefined, "preserve", "10.0.0.0", "10.0.0.2"),
});
const draft = fc.tuple(input, fc.array(output, { maxLength: 3 }));
type Draft = typeof draft extends fc.Arbitrary<infer T> ? T : never;

/** A rule as an operator may write it; what the schema refuses (port 0) is mended. */
function ruleOf([{ input_source, ...wanted }, outputs]: Draft, at: number): Rule {
  const bits = wanted.input_group.split("/")[1];
  return makeRule(
    ruleDraftSchema.parse({
      ...wanted,
      ...(input_source === undefined ? {} : { input_source }),
      rule_id: `r${at}`,
      outputs: outputs.map(({ interface: link, isMapped, last, port, from }) => ({
        interface: link,
        group: isMapped && bits !== undefined ? `239.1.1.${bits === "30" ? 0 : last & 2}/${bits}` : `239.1.1.${last}`,
        port: port === "-1" && firstOf(wanted.input_port) === 1 ? "+0" : port,
        ...(from === "preserve" ? { preserve_source: true } : from === undefined ? {} : { source_ip: from }),
      })),
    }),
    "Dynamic",
  );
}

const firstOf = (port: number | string) => Number(String(port).split("-")[0]);
const lastOf = (port: number | string) => Number(String(port).split("-").at(-1));

/** Of a group, or a source, as it is written: which of the four last octets it holds. */
function octetsOf(text: string): number[] {
  const [address = "", bits = "32"] = text.split("/");
  const first = Number(address.split(".")[3]);
  return lasts.slice(first, first + 2 ** (32 - Number(bits)));
}

function datagramsOf(rule: Rule): Datagram[] {
  const groups = octetsOf(rule.input_group);
  const wanted = ports.filter((port) => port >= firstOf(rule.input_port) && port <= lastOf(rule.input_port));
  return groups.flatMap((last) => wanted.map((port) => ({ last, port })));
}

/** Where a datagram of the rule leaves to: as far from the first address and port as it was. */
function madeOf(rule: Rule, { group, port }: Output): Datagram[] {
  const [from = 0] = octetsOf(rule.input_group);
  const [to = 0, ...more] = octetsOf(group);
  return datagramsOf(rule).map((each) => ({
    last: more.length === 0 ? to : to + each.last - from,
    port: typeof port === "number" ? port : each.port + Number(port),
  }));
}

const isOn = (name: string, link: string) => (name.endsWith("*") ? link.startsWith(name.slice(0, -1)) : name === link);

/** Who may have sent what leaves, by last octet; undefined: an address of this machine, whichever. */
function sendersOf(rule: Rule, { preserve_source, source_ip }: Output): number[] | undefined {
  if (preserve_source === true) return rule.input_source === undefined ? senders : octetsOf(rule.input_source);
  return source_ip === undefined ? undefined : octetsOf(source_ip);
}

function isHeard({ input_source }: Rule, from: number[] | undefined): boolean {
  if (input_source === undefined) return true;
  // An address of this machine may lie in a prefix; that it is just the one that a rule names, nobody has said.
  return from === undefined ? input_source.includes("/") : octetsOf(input_source).some((each) => from.includes(each));
}

const isAmong = (all: readonly Datagram[]) => (one: Datagram) =>
  all.some(({ last, port }) => last === one.last && port === one.port);

function feeds(maker: Rule, made: Output, taker: Rule): boolean {
  return (
    isOn(taker.input_interface, made.interface) &&
    isHeard(taker, sendersOf(maker, made)) &&
    madeOf(maker, made).some(isAmong(datagramsOf(taker)))
  );
}

/** Whether datagrams of `one` can come back to it by way of rules that do not allow it: all pairs, Floyd and Warshall. */
function isInCycle(rules: readonly Rule[], one: Rule): boolean {
  const all = rules.filter((each) => each.allow_loop !== true);
  const reach = all.map((from) => all.map((to) => from.outputs.some((made) => feeds(from, made, to))));
  for (const via of all.keys()) {
    for (const row of reach) {
      if (row[via]) for (const to of all.keys()) row[to] ||= reach[via]?.[to] === true;
    }
  }
  const at = all.indexOf(one);
  return at >= 0 && reach[at]?.[at] === true;
}

function makesTheSame(one: Rule, made: Output, other: Rule, also: Output): boolean {
  const [from, alsoFrom] = [sendersOf(one, made), sendersOf(other, also)];
  return (
    made.interface === also.interface &&
    (from === undefined || alsoFrom === undefined || from.some((each) => alsoFrom.includes(each))) &&
    madeOf(one, made).some(isAmong(madeOf(other, also)))
  );
}

test("with prefixes, ranges of ports, patterns of links and mapped outputs a cycle is found exactly when a datagram can go round", () => {
  const seen = { cycles: 0, none: 0 };
  prove(
    fc.property(fc.array(draft, { minLength: 1, maxLength: 6 }), (drafts) => {
      const rules = drafts.map(ruleOf);
      const graph = new RuleGraph();
      for (const rule of rules) graph.put(rule);
      for (const rule of rules) {
        const cycle = graph.cycleThrough(rule);
        expect(cycle !== undefined).toBe(isInCycle(rules, rule));
        seen[cycle === undefined ? "none" : "cycles"]++;
        for (const [at, hop] of (cycle ?? []).entries()) {
          const next = cycle?.[(at + 1) % cycle.length]?.rule;
          expect(next !== undefined && hop.rule.outputs.includes(hop.output) && feeds(hop.rule, hop.output, next)).toBe(
            true,
          );
        }
      }
    }),
    2_000,
  );
  // Otherwise the rules would prove nothing.
  expect(Math.min(seen.cycles, seen.none)).toBeGreaterThan(500);
});

test("an output that several make is told of exactly when some datagram of both leaves to one address, port and link", () => {
  let shared = 0;
  prove(
    fc.property(fc.array(draft, { minLength: 1, maxLength: 4 }), (drafts) => {
      const rules = drafts.map(ruleOf);
      const graph = new RuleGraph();
      for (const rule of rules) graph.put(rule);
      for (const rule of rules) {
        const found = graph.sharedBy(rule, 9).map((each) => each.output);
        const wanted = rule.outputs.filter((made, at) =>
          rules.some((other) =>
            other.outputs.some(
              (also, place) => (other !== rule || place < at) && makesTheSame(rule, made, other, also),
            ),
          ),
        );
        expect(found).toEqual(wanted);
        shared += found.length;
      }
    }),
    1_000,
  );
  expect(shared).toBeGreaterThan(500);
});
