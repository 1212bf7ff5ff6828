import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../../src/limits.ts";
import { inputKey } from "../../src/rules/key.ts";
import type { Rule } from "../../src/rules/schema.ts";
import { RuleTable } from "../../src/rules/table.ts";

function rule(id: string, change: Partial<Rule> = {}): Rule {
  return {
    rule_id: id,
    input_interface: "eth0",
    input_group: "239.1.1.1",
    input_port: 5000,
    input_protocol: 17,
    outputs: [{ group: "239.2.2.2", port: 5001, interface: "eth1" }],
    source: "Dynamic",
    ...change,
  };
}

function errorOf(outcome: { ok: true } | { ok: false; error: string }): string {
  return outcome.ok ? "accepted" : outcome.error;
}

describe("the rule table", () => {
  test("adds, finds, lists in order, and removes", () => {
    const table = new RuleTable();
    table.add(rule("a"));
    table.add(rule("b", { input_port: 5001 }));
    expect(table.get("a")?.input_port).toBe(5000);
    expect(table.list().map((each) => each.rule_id)).toEqual(["a", "b"]);
    expect(table.remove("a")).toEqual({ ok: true, value: rule("a") });
    expect([table.size, table.get("a")]).toEqual([1, undefined]);
    expect(errorOf(table.remove("a"))).toBe("Rule a not found");
  });

  test("refuses the rule that closes a loop, spells it out, and takes it when it allows that", () => {
    const back = rule("b", {
      ...{ input_interface: "eth1", input_group: "239.2.2.2", input_port: 5001 },
      outputs: [{ group: "239.1.1.1", port: 5000, interface: "eth0" }],
    });
    const table = new RuleTable();
    table.add(rule("a", { name: "feed" }));
    expect(errorOf(table.add(back))).toContain(
      "it closes a loop: eth1 239.2.2.2:5001 -> eth0 239.1.1.1:5000 by rule b -> eth1 239.2.2.2:5001 by rule 'feed' (id: a). ",
    );
    expect(table.size).toBe(1);
    const allowed = { ...back, allow_loop: true };
    expect(table.add(allowed)).toMatchObject({ ok: true });
    expect(table.warnings(allowed)).toEqual([
      expect.stringContaining("a loop is allowed: eth1 239.2.2.2:5001 -> eth0"),
    ]);
    expect(errorOf(table.add(back))).toContain("it closes a loop");
    table.remove("a");
    expect(table.warnings(allowed)).toEqual([]);
    expect(table.add(back)).toMatchObject({ ok: true });
  });

  test("warns both rules that make one group and port on one link, as long as there are two", () => {
    const table = new RuleTable();
    const [one, two] = [rule("a"), rule("b", { input_port: 6000 })];
    table.add(one);
    expect(table.warnings(one)).toEqual([]);
    table.add(two);
    expect(table.warnings(one)).toEqual([
      "eth1 239.2.2.2:5001 is also made by rule b: receivers there get these streams mixed",
    ]);
    expect(table.warnings(two)).toHaveLength(1);
    table.remove("a");
    expect(table.warnings(two)).toEqual([]);
  });

  test("refuses a second rule with the same input and names the first", () => {
    const table = new RuleTable();
    table.add(rule("a", { name: "feed" }));
    expect(errorOf(table.add(rule("b")))).toContain("eth0 239.1.1.1:5000 is already the input of rule 'feed' (id: a)");
    expect(table.size).toBe(1);
  });

  test("inputs that differ in one part only stand beside each other", () => {
    const table = new RuleTable();
    const parts: Partial<Rule>[] = [
      {},
      { input_interface: "eth2" },
      { input_group: "239.1.1.2" },
      { input_port: 5001 },
      { input_protocol: 50, input_port: 0 },
      { input_source: "10.0.0.1" },
      { input_source: "10.0.0.2" },
    ];
    const outcomes = parts.map((part, index) => errorOf(table.add(rule(String(index), part))));
    expect(outcomes).toEqual(parts.map(() => "accepted"));
  });

  test("replaces a rule of the same id, returns the old one, and frees its input and name", () => {
    const table = new RuleTable();
    table.add(rule("a", { name: "old" }));
    const changed = rule("a", { name: "new", input_port: 6000 });
    expect(table.add(changed)).toEqual({ ok: true, value: { rule: changed, replaced: rule("a", { name: "old" }) } });
    expect(errorOf(table.add(rule("b")))).toBe("accepted");
    expect(errorOf(table.removeByName("old"))).toBe(
      "No rule found with name 'old'. Use 'mcrctl list' to see available rules.",
    );
    expect(errorOf(table.removeByName("new"))).toBe("accepted");
  });

  test("refuses an output on the input's interface, on lo too", () => {
    for (const name of ["eth0", "lo"]) {
      const loop = rule("a", { input_interface: name, outputs: [{ group: "239.2.2.2", port: 1, interface: name }] });
      expect(errorOf(new RuleTable().add(loop))).toStartWith(
        `Rule rejected: input_interface '${name}' and output_interface '${name}' cannot be the same.`,
      );
    }
  });

  test("lo as input or as output alone is allowed", () => {
    expect(errorOf(new RuleTable().add(rule("a", { input_interface: "lo" })))).toBe("accepted");
  });

  test("a name that two rules have removes neither and names both ids", () => {
    const table = new RuleTable();
    table.add(rule("a", { name: "feed" }));
    table.add(rule("b", { name: "feed", input_port: 5001 }));
    expect(errorOf(table.removeByName("feed"))).toBe("2 rules have the name 'feed'. Name one by its id: a, b");
    table.remove("a");
    expect(table.removeByName("feed")).toMatchObject({ ok: true, value: { rule_id: "b" } });
  });

  test("asking for problems changes nothing", () => {
    const table = new RuleTable();
    expect(table.problem({ put: [rule("a")], remove: [] })).toBeUndefined();
    expect(table.size).toBe(0);
  });

  test("judges a set of changes as a whole: inputs may change hands in it, but not have two owners", () => {
    const table = new RuleTable();
    table.add(rule("a", { input_port: 1, name: "x" }));
    table.add(rule("b", { input_port: 2 }));
    const swap = { put: [rule("a", { input_port: 2 }), rule("b", { input_port: 1, name: "x" })], remove: [] };
    expect(table.problem(swap)).toBeUndefined();
    table.change(swap);
    expect(table.list().map(({ rule_id, input_port }) => [rule_id, input_port])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    expect(table.findByName("x")).toMatchObject({ value: { rule_id: "b" } });
    expect(table.problem({ put: [rule("c", { input_port: 2 })], remove: ["a"] })).toBeUndefined();
    expect(table.problem({ put: [rule("c", { input_port: 2 })], remove: ["b"] })).toContain("already the input of");
    expect(table.problem({ put: [rule("c", { input_port: 3 }), rule("d", { input_port: 3 })], remove: [] })).toContain(
      "already the input of rule c",
    );
    expect(table.problem({ put: [], remove: ["b", "z"] })).toBe("Rule z not found");
    // A rule that found the input taken is not added, and a later one finds the table as it was.
    expect(errorOf(table.add(rule("e", { input_port: 1 })))).toContain("rule 'x' (id: b)");
  });

  test("is full at rulesMax, where a replacement still works and a removal makes room", () => {
    const table = new RuleTable();
    for (let index = 0; index < limits.rulesMax; index++) {
      table.add(rule(String(index), { input_port: (index % 60_000) + 1, name: "all the same" }));
    }
    expect(table.size).toBe(limits.rulesMax);
    expect(errorOf(table.add(rule("more", { input_port: 65_000 })))).toContain("the most there can be");
    expect(errorOf(table.add(rule("0", { input_port: 65_000 })))).toBe("accepted");
    table.remove("1");
    expect(errorOf(table.add(rule("more", { input_port: 64_000 })))).toBe("accepted");
  });

  test("after any changes every input has one rule and every rule is where its id, input and name say", () => {
    const change = fc.record({
      verb: fc.constantFrom("add", "remove", "removeByName"),
      id: fc.constantFrom("a", "b", "c", "d"),
      port: fc.constantFrom(1, 2, 3),
      name: fc.constantFrom("x", "y"),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const table = new RuleTable();
        const model = new Map<string, Rule>();
        for (const { verb, id, port, name } of changes) {
          if (verb === "add") {
            const added = rule(id, { input_port: port, name });
            const isFree = [...model.values()].every(
              (other) => other.rule_id === id || inputKey(other) !== inputKey(added),
            );
            expect(table.add(added).ok).toBe(isFree);
            if (isFree) model.set(id, added);
          } else if (verb === "remove") {
            expect(table.remove(id).ok).toBe(model.delete(id));
          } else {
            const named = [...model.values()].filter((other) => other.name === name);
            expect(table.removeByName(name).ok).toBe(named.length === 1);
            if (named.length === 1) model.delete(named[0]?.rule_id ?? "");
          }
        }
        expect(new Set(table.list())).toEqual(new Set(model.values()));
      }),
    );
  });
});
