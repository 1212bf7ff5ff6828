import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Hop, RuleGraph } from "../../src/rules/graph.ts";
import type { Output, Rule } from "../../src/rules/schema.ts";

let made = 0;

/** `in0>out0,out1`: takes group 239.1.1.1:5000 on in0, sends the same on out0 and out1; `/2` behind a link: port 5002. */
function rule(words: string, change: Partial<Rule> = {}): Rule {
  const [input = "", outputs = ""] = words.split(">");
  const placeOf = (text: string) => {
    const [link = "", port = "0"] = text.split("/");
    return { interface: link, group: "239.1.1.1", port: 5000 + Number(port) };
  };
  const { interface: input_interface, port: input_port } = placeOf(input);
  made++;
  return {
    rule_id: `r${made}`,
    ...{ input_interface, input_group: "239.1.1.1", input_port, input_protocol: 17 },
    outputs: outputs.split(",").filter(Boolean).map(placeOf),
    source: "Dynamic",
    ...change,
  };
}

test("an output that preserves its source feeds a rule for that source, and a rule for any", () => {
  const preserving = (change: Partial<Rule>) => {
    const made = rule("a>b", change);
    return { ...made, outputs: made.outputs.map((output) => ({ ...output, preserve_source: true })) };
  };
  const from = (input_source: string) => ({ input_source });
  const back = {
    ...rule("b>a", from("10.0.0.1")),
    outputs: preserving({}).outputs.map((each) => ({ ...each, interface: "a" })),
  };
  const cycle = (there: Rule) => graphOf(there).cycleAfter([back], []) !== undefined;
  expect([preserving({}), preserving(from("10.0.0.1")), preserving(from("10.0.0.2"))].map(cycle)).toEqual([
    true,
    true,
    false,
  ]);
  const [one, other] = [preserving(from("10.0.0.1")), preserving(from("10.0.0.2"))];
  expect(graphOf(one, other).sharedBy(one, 9)).toEqual([]);
  expect(graphOf(one, preserving({})).sharedBy(one, 9)).toHaveLength(1);
});

function graphOf(...rules: Rule[]): RuleGraph {
  const graph = new RuleGraph();
  for (const each of rules) graph.put(each);
  return graph;
}

/** The links a cycle goes through. */
function links(cycle: readonly Hop[] | undefined): string[] | undefined {
  return cycle?.map((hop) => hop.output.interface);
}

/** The same question, slowly: Floyd and Warshall over all pairs. */
function isInCycle(rules: readonly Rule[], one: Rule): boolean {
  const all = rules.filter((each) => each.allow_loop !== true);
  const feeds = (from: Rule, to: Rule) =>
    from.outputs.some(
      (output) =>
        output.interface === to.input_interface &&
        output.group === to.input_group &&
        output.port === to.input_port &&
        from.input_protocol === to.input_protocol &&
        (to.input_source === undefined || to.input_source === output.source_ip),
    );
  const reach = all.map((from) => all.map((to) => feeds(from, to)));
  for (const [via, viaRow] of reach.entries()) {
    for (const row of reach) {
      if (row[via]) for (const to of all.keys()) row[to] ||= viaRow[to] === true;
    }
  }
  const at = all.indexOf(one);
  return at >= 0 && reach[at]?.[at] === true;
}

/** Each hop's output is the next rule's input, and the last one's the first's. */
function isClosed(cycle: readonly Hop[]): boolean {
  return cycle.every(({ rule: each, output }, at) => {
    const next = cycle[(at + 1) % cycle.length]?.rule;
    const isInput = next?.input_interface === output.interface && next?.input_port === output.port;
    return isInput && each.outputs.includes(output);
  });
}

describe("a cycle", () => {
  test("of two rules, A to B and back, is found with either as the second", () => {
    const [there, back] = [rule("a>b"), rule("b>a")];
    expect(links(graphOf(there).cycleAfter([back], []))).toEqual(["a", "b"]);
    expect(links(graphOf(back).cycleAfter([there], []))).toEqual(["b", "a"]);
  });

  test("over five rules is found whole, whichever closes it", () => {
    const words = ["a>x,b", "b>c", "c>y,d,z", "d>e", "e>a"];
    for (const last of words.keys()) {
      const rules = words.map((each) => rule(each));
      const closing = rules.splice(last, 1);
      expect(graphOf(...rules).cycleAfter(closing, [])).toHaveLength(5);
    }
  });

  test("is none when port, group, protocol or source differ on the way", () => {
    const there = rule("a>b");
    const others: Rule[] = [
      rule("b/1>a"),
      rule("b>a/1"),
      rule("b>a", { input_group: "239.1.1.2" }),
      rule("b>a", { input_protocol: 50, input_port: 0 }),
      rule("b>a", { input_source: "10.0.0.1" }),
    ];
    for (const other of others) expect(graphOf(there).cycleAfter([other], [])).toBeUndefined();
  });

  test("takes a source into account that an output names", () => {
    const output: Output = { group: "239.1.1.1", port: 5000, interface: "b", source_ip: "10.0.0.1" };
    const there = rule("a>", { outputs: [output] });
    expect(graphOf(there).cycleAfter([rule("b>a", { input_source: "10.0.0.1" })], [])).toHaveLength(2);
    expect(graphOf(there).cycleAfter([rule("b>a", { input_source: "10.0.0.2" })], [])).toBeUndefined();
  });

  test("of ESP goes by address alone: it has no ports", () => {
    const esp = { input_protocol: 50, input_port: 0 };
    expect(graphOf(rule("a>b/1", esp)).cycleAfter([rule("b>a/7", esp)], [])).toHaveLength(2);
  });

  test("is allowed by any one of its rules, and shown when asked for despite that", () => {
    const [there, back] = [rule("a>b"), rule("b>a", { allow_loop: true })];
    expect(graphOf(there).cycleAfter([back], [])).toBeUndefined();
    expect(graphOf(back).cycleAfter([there], [])).toBeUndefined();
    expect(graphOf(there, back).cycleThrough(back, true)).toHaveLength(2);
    expect(graphOf(there).cycleAfter([rule("b>a", { allow_loop: false })], [])).toHaveLength(2);
  });

  test("is judged by what goes and what comes together, and asking changes nothing", () => {
    const [there, back] = [rule("a>b"), rule("b>a")];
    const graph = graphOf(there);
    expect(graph.cycleAfter([back], [there])).toBeUndefined();
    expect(graph.cycleAfter([back], [])).toHaveLength(2);
    expect(graph.cycleAfter([back, rule("c>d")], [])).toHaveLength(2);
    graph.take(there);
    expect(graph.cycleAfter([back], [])).toBeUndefined();
  });
});

test("for any rules a cycle is found exactly when brute force finds one, and it is closed", () => {
  const place = fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 0, max: 1 }));
  const source = fc.constantFrom(undefined, undefined, "10.0.0.1", "10.0.0.2");
  const made = fc.record({
    input: place,
    outputs: fc.array(fc.tuple(place, source), { maxLength: 3 }),
    input_source: source,
    isAllowed: fc.integer({ max: 9, min: 0 }).map((at) => at === 0),
  });
  fc.assert(
    fc.property(fc.array(made, { minLength: 1, maxLength: 9 }), (drafts) => {
      const rules = drafts.map(({ input: [link, port], outputs, input_source, isAllowed }) => ({
        ...rule(`${link}/${port}>`, { allow_loop: isAllowed }),
        ...(input_source === undefined ? {} : { input_source }),
        outputs: outputs.map(([[to, toPort], from]) => ({
          ...{ interface: to, group: "239.1.1.1", port: 5000 + toPort },
          ...(from === undefined ? {} : { source_ip: from }),
        })),
      }));
      const graph = graphOf(...rules);
      for (const each of rules) {
        const cycle = graph.cycleThrough(each);
        expect(cycle !== undefined).toBe(isInCycle(rules, each));
        if (cycle !== undefined) expect(isClosed(cycle) && cycle[0]?.rule === each).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

describe("an output", () => {
  test("that two rules make is shared by both, and by one that makes it twice", () => {
    const [one, two, twice] = [rule("a>x"), rule("b>x"), rule("c>y,y")];
    const graph = graphOf(one, two, twice);
    expect(graph.sharedBy(one, 3)).toEqual([{ output: one.outputs[0], others: [two], count: 1 }] as never);
    expect(graph.sharedBy(twice, 3)).toEqual([{ output: twice.outputs[1], others: [twice], count: 1 }] as never);
  });

  test("with two sources is two channels", () => {
    const from = (source_ip: string) => ({ group: "239.1.1.1", port: 5000, interface: "x", source_ip });
    const [one, two] = [rule("a>", { outputs: [from("10.0.0.1")] }), rule("b>", { outputs: [from("10.0.0.2")] })];
    expect(graphOf(one, two).sharedBy(one, 3)).toEqual([]);
  });

  test("that thousands make names a few", () => {
    const rules = Array.from({ length: 5000 }, (_, at) => rule(`l${at}>x`));
    const [shared] = graphOf(...rules).sharedBy(rules[0] as Rule, 3);
    expect([shared?.others.length, shared?.count]).toEqual([3, 4999]);
  });
});

test("10,000 rules in one long chain are judged one by one in any order, and the one that closes it is found", () => {
  const size = 10_000;
  const chain = Array.from({ length: size }, (_, at) => rule(`l${at}>l${at + 1}`));
  // 7,919 is prime to 10,000: every rule once, neighbours far apart.
  const shuffled = chain.map((_, at) => chain[(at * 7919) % size] as Rule);
  for (const order of [chain, chain.toReversed(), shuffled]) {
    const graph = new RuleGraph();
    const before = process.cpuUsage();
    for (const each of order) {
      expect(graph.cycleAfter([each], [])).toBeUndefined();
      graph.put(each);
    }
    const cycle = graph.cycleAfter([rule(`l${size}>l0`)], []);
    expect(cycle).toHaveLength(size + 1);
    // Some 50 ms of our own, however long others had the CPU; the bound only tells linear from quadratic.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(3000);
  }
});
