import { expect, test } from "bun:test";
import { done, failed } from "../../../src/base/outcome.ts";
import { changeOf, planOf } from "../../../src/config/plan.ts";
import type { Batched } from "../../../src/control/words.ts";
import type { Rule } from "../../../src/rules/schema.ts";
import { RuleTable } from "../../../src/rules/table.ts";
import { rulesAfter, runBatch } from "../../../src/supervise/config/batch.ts";
import type { Configuration } from "../../../src/supervise/config/configuration.ts";

function rule(id: string, port: number, name = id): Rule {
  const outputs = [{ group: "239.2.2.2", port: 5001, interface: "eth1" }];
  return {
    ...{ rule_id: id, name, input_interface: "eth0", input_group: "239.1.1.1", input_port: port, input_protocol: 17 },
    ...{ outputs, source: "Dynamic" },
  };
}

function adding(line: number, id: string, port: number): Batched {
  const { source: _, ...draft } = rule(id, port);
  return { line, AddRule: draft };
}

test("commands count in their order: an input that one gives up the next may take", () => {
  const { rules, problems } = rulesAfter(
    [rule("a", 5000), rule("b", 5001)],
    [
      { line: 1, RemoveRuleByName: { name: "a" } },
      adding(2, "c", 5000),
      adding(3, "d", 5002),
      { line: 4, RemoveRule: { rule_id: "d" } },
    ],
  );
  expect(problems).toEqual([]);
  expect(rules.map(({ rule_id }) => rule_id)).toEqual(["b", "c"]);
});

test("each command that is refused is told with its line, or its place, and why", () => {
  const { problems } = rulesAfter(
    [rule("a", 5000), rule("b", 5001, "twin"), rule("c", 5002, "twin")],
    [
      adding(3, "x", 5000),
      { line: 5, RemoveRule: { rule_id: "nobody" } },
      { RemoveRuleByName: { name: "twin" } },
      { line: 9, RemoveRuleByName: { name: "none" } },
      { line: 10, AddRule: { ...rule("y", 5003), outputs: [{ group: "239.1.1.1", port: 1, interface: "eth0" }] } },
    ],
  );
  expect(problems.map((problem) => problem.slice(0, 60))).toEqual([
    "line 3: Rule rejected: eth0 239.1.1.1:5000 is already the in",
    "line 5: Rule nobody not found",
    "command 3: 2 rules have the name 'twin'. Name one by its id:",
    "line 9: No rule found with name 'none'. Use 'mcrctl list' to",
    "line 10: Rule rejected: input_interface 'eth0' and output_in",
  ]);
});

test("rules are enabled, disabled and removed by name and by tag, each as the lines before it left them", () => {
  const tagged = (id: string, port: number): Rule => ({ ...rule(id, port), tags: ["lab"] });
  const { rules, problems } = rulesAfter(
    [tagged("a", 5000), tagged("b", 5001), rule("c", 5002)],
    [
      { line: 1, DisableRules: { tag: "lab" } },
      { line: 2, EnableRules: { rule: "b" } },
      { line: 3, DisableRules: { rule: "c" } },
      { line: 4, DisableRules: { tag: "none" } },
    ],
  );
  expect(problems).toEqual(["line 4: no rule has the tag 'none'; 'list' shows all"]);
  expect(rules.map(({ rule_id, enabled }) => [rule_id, enabled])).toEqual([
    ["a", false],
    ["b", undefined],
    ["c", false],
  ]);
  expect(rulesAfter(rules, [{ RemoveRules: { tag: "lab" } }]).rules.map(({ rule_id }) => rule_id)).toEqual(["c"]);
});

/** A configuration that runs what a table of rules allows, loops judged. */
function configurationOf(rules: readonly Rule[]) {
  const wanted: Rule[][] = [];
  const merge: Configuration["merge"] = async (wantedOf) => {
    const setup = { rules, settings: {} };
    const plan = planOf(setup, wantedOf(setup));
    const table = new RuleTable();
    table.change({ put: rules, remove: [] });
    const problem = table.problem(changeOf(plan));
    wanted.push(plan.rules.flatMap(({ after }) => after ?? []));
    return problem === undefined ? done({ plan }) : failed(problem);
  };
  return { wanted, merge };
}

test("a loop is told with the line that closes it; one that a later line opens again is none", async () => {
  const between = (line: number, from: string, to: string): Batched => ({
    line,
    AddRule: {
      ...{ rule_id: `${from}>${to}`, input_interface: from, input_group: "239.1.1.1", input_port: 5000 },
      ...{ input_protocol: 17, outputs: [{ group: "239.1.1.1", port: 5000, interface: to }] },
    },
  });
  const closing = [between(1, "a", "b"), adding(2, "x", 5001), between(3, "b", "c"), between(4, "c", "a")];
  const refused = await runBatch(configurationOf([]), closing, {});
  expect("Error" in refused ? refused.Error.split("\n") : []).toEqual([
    expect.stringContaining("line 4: Rule rejected: it closes a loop: "),
    "Nothing was changed.",
  ]);
  const opened = configurationOf([]);
  const made = await runBatch(opened, [...closing, { line: 5, RemoveRule: { rule_id: "a>b" } }], {});
  expect(made).toMatchObject({ Success: expect.stringContaining("5 commands: 3 rules added") });
  expect(opened.wanted[0]?.map(({ rule_id }) => rule_id)).toEqual(["x", "b>c", "c>a"]);
});
