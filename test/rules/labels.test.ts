import { describe, expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import { type Book, choiceSchema, chosen, withEnabled } from "../../src/rules/choice.ts";
import { RuleGraph } from "../../src/rules/graph.ts";
import { plainLabels, tags } from "../../src/rules/labels.ts";
import { makeRule, type Rule, ruleDraftSchema } from "../../src/rules/schema.ts";
import { RuleTable } from "../../src/rules/table.ts";

function rule(from: string, to: string, more: Partial<Rule> = {}): Rule {
  const input = { input_interface: from, input_group: "239.1.1.1", input_port: 5000, input_protocol: 17 };
  const outputs = [{ group: "239.1.1.1", port: 5000, interface: to }];
  return { ...makeRule({ ...input, outputs, rule_id: `${from}>${to}` }, "Dynamic"), ...more };
}

describe("tags", () => {
  test.each([["a"], ["HD"], ["site:north/rack-7"], ["2.0_b"], ["x".repeat(limits.ruleTagSizeMax)]])(
    "may be %s",
    (tag) => {
      expect(tags.safeParse([tag]).success).toBe(true);
    },
  );

  test.each([[""], ["a b"], ["a,b"], ["-a"], ["é"], ["a\n"], ["x".repeat(limits.ruleTagSizeMax + 1)], ["a'b"], ["$a"]])(
    "may not be %j",
    (tag) => {
      expect(tags.safeParse([tag]).error?.issues[0]?.message).toStartWith(
        "must be 1 to 32 letters, digits and . _ : / -",
      );
    },
  );

  test("are few, and each stands once", () => {
    const many = Array.from({ length: limits.ruleTagsMax + 1 }, (_, index) => `t${index}`);
    expect(tags.safeParse(many.slice(1)).success).toBe(true);
    expect(tags.safeParse(many).error?.issues[0]?.message).toBe("has 9 entries; at most 8 are allowed");
    expect(tags.safeParse(["a", "b", "a"]).error?.issues[0]?.message).toBe("has 'a' twice");
  });

  test("and the other labels have one form for one meaning", () => {
    expect(plainLabels({ enabled: true, description: "", tags: [] })).toEqual({});
    expect(plainLabels({ enabled: false, description: "d", tags: ["t"] })).toEqual({
      enabled: false,
      description: "d",
      tags: ["t"],
    });
    const draft = { input_interface: "a", input_group: "239.1.1.1", input_port: 1, outputs: [] };
    const said = ruleDraftSchema.parse({ ...draft, enabled: true, description: null, tags: [] });
    expect(makeRule(said, "Static")).toEqual(makeRule(ruleDraftSchema.parse(draft), "Static"));
  });

  test("a description has a bound and no line breaks", () => {
    const parse = (description: string) =>
      ruleDraftSchema.safeParse({
        input_interface: "a",
        input_group: "239.1.1.1",
        input_port: 1,
        outputs: [],
        description,
      });
    expect(parse("x".repeat(limits.ruleDescriptionSizeMax)).success).toBe(true);
    expect(parse("x".repeat(limits.ruleDescriptionSizeMax + 1)).success).toBe(false);
    expect(parse("a\nb").success).toBe(false);
  });
});

describe("a disabled rule", () => {
  test("is in no loop and makes nothing; to enable it is judged like any change", () => {
    const [there, back] = [rule("a", "b"), rule("b", "a")];
    const table = new RuleTable();
    table.change({ put: [there], remove: [] });
    expect(table.problem({ put: [back], remove: [] })).toContain("closes a loop");
    const resting = withEnabled(back, false);
    expect(table.problem({ put: [resting], remove: [] })).toBeUndefined();
    table.change({ put: [resting], remove: [] });
    expect(table.problem({ put: [withEnabled(resting, true)], remove: [] })).toContain("closes a loop");
    expect(table.problem({ put: [withEnabled(there, false), withEnabled(resting, true)], remove: [] })).toBeUndefined();
  });

  test("leaves nothing in the graph when it is enabled and disabled again", () => {
    const graph = new RuleGraph();
    const resting = rule("b", "a", { enabled: false });
    graph.put(resting);
    graph.take(resting);
    graph.put(rule("a", "b"));
    expect(graph.sharedBy(rule("c", "b", { enabled: false }), 3)).toEqual([]);
    expect(graph.cycleAfter([resting], [])).toBeUndefined();
  });

  test("keeps its input: another rule cannot take it meanwhile", () => {
    const table = new RuleTable();
    table.change({ put: [rule("a", "b", { enabled: false })], remove: [] });
    expect(table.problem({ put: [rule("a", "c")], remove: [] })).toContain("is already the input of");
  });
});

describe("a choice", () => {
  const [a, b] = [rule("a", "x", { name: "one", tags: ["lab", "hd"] }), rule("b", "x", { name: "two", tags: ["lab"] })];
  const twins = [rule("c", "x", { name: "twin" }), rule("d", "x", { name: "twin" })];
  const table = new RuleTable();
  table.change({ put: [a, b, ...twins], remove: [] });
  const book: Book = table;

  test("means one rule by its id or name, or all of a tag", () => {
    expect(chosen({ rule: "a>x" }, book)).toEqual({ ok: true, value: [a] });
    expect(chosen({ rule: "two" }, book)).toEqual({ ok: true, value: [b] });
    expect(chosen({ tag: "lab" }, book)).toEqual({ ok: true, value: [a, b] });
  });

  test.each([
    [{ rule: "none" }, "no rule has the id or name 'none'; 'list' shows all"],
    [{ tag: "none" }, "no rule has the tag 'none'; 'list' shows all"],
    [{ rule: "twin" }, "2 rules have the name 'twin'. Name one by its id: c>x, d>x"],
  ])("of %j is refused", (choice, error) => {
    expect(chosen(choice, book)).toEqual({ ok: false, error });
  });

  test("is exactly one of the two", () => {
    for (const wrong of [{}, { rule: "a", tag: "b" }, { rule: null, tag: null }, { tag: "no tag" }]) {
      expect(choiceSchema.safeParse(wrong).success).toBe(false);
    }
    expect(choiceSchema.parse({ rule: null, tag: "lab" })).toEqual({ tag: "lab" });
  });

  test("that changes nothing leaves the rule the same object", () => {
    expect(withEnabled(a, true)).toBe(a);
    const resting = withEnabled(a, false);
    expect(withEnabled(resting, false)).toBe(resting);
    expect(withEnabled(resting, true)).toEqual(a);
  });
});
