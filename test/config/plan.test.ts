import { describe, expect, test } from "bun:test";
import { History } from "../../src/config/history.ts";
import { changeOf, isEmpty, type Plan, planOf, undone } from "../../src/config/plan.ts";
import { fromFile, toFile } from "../../src/config/rule-value.ts";
import { limits } from "../../src/limits.ts";
import { makeRule, type Rule } from "../../src/rules/schema.ts";

function rule(port: number, more: Partial<Rule> = {}): Rule {
  const output = { group: "239.2.2.2", port, interface: "eth1" };
  const input = { input_interface: "eth0", input_group: "239.1.1.1", input_port: port, input_protocol: 17 };
  return { ...makeRule({ ...input, outputs: [output] }, "Static"), ...more };
}

function setup(...rules: Rule[]) {
  return { rules, settings: {} };
}

/** What a plan says, without the rules themselves. */
function said({ rules, settings, unchanged }: Plan) {
  return {
    rules: rules.map(({ before, after, fields }) => [before?.input_port, after?.input_port, fields]),
    settings,
    unchanged,
  };
}

describe("a plan", () => {
  test("is empty when nothing differs, whoever made the rules", () => {
    const plan = planOf(setup(rule(1), rule(2)), setup(rule(2, { source: "Dynamic" }), rule(1)));
    expect([isEmpty(plan), plan.unchanged]).toEqual([true, 2]);
  });

  test("says what is added, removed, and changed field by field", () => {
    const outputs = [
      { group: "239.2.2.2", port: 1, interface: "eth1", ttl: 4 },
      { group: "10.0.0.1", port: 9, interface: "eth2" },
    ];
    const plan = planOf(setup(rule(1), rule(2)), setup(rule(1, { name: "a", exclusive: true, outputs }), rule(3)));
    expect(said(plan)).toEqual({
      rules: [
        [
          ...[1, 1],
          [
            { field: "name", after: "a" },
            { field: "exclusive", after: true },
            { field: "outputs[239.2.2.2:1:eth1].ttl", after: 4 },
            { field: "outputs", after: outputs[1] },
          ],
        ],
        [undefined, 3, []],
        [2, undefined, []],
      ],
      settings: [],
      unchanged: 0,
    });
  });

  test("names each way in which datagrams leave and groups are joined", () => {
    const [output] = rule(1).outputs;
    const outputs = output === undefined ? [] : [{ ...output, dscp: 46, source_port: 7 }];
    const kept = outputs.map((each) => ({ ...each, dscp: 10, preserve_source: true, source_port: undefined }) as never);
    const before = rule(1, { outputs, input_igmp_version: 2 });
    expect(
      said(planOf(setup(before), setup(rule(1, { outputs: kept, input_rejoin_interval: 9 })))).rules[0]?.[2],
    ).toEqual([
      { field: "input.igmp_version", before: 2 },
      { field: "input.rejoin_interval", after: 9 },
      { field: "outputs[239.2.2.2:1:eth1].dscp", before: 46, after: 10 },
      { field: "outputs[239.2.2.2:1:eth1].source_port", before: 7 },
      { field: "outputs[239.2.2.2:1:eth1].preserve_source", after: true },
    ]);
  });

  test("says of labels what else a field says, and nothing of what goes without saying", () => {
    const labelled = rule(1, { enabled: false, description: "d", tags: ["a", "b"] });
    expect(said(planOf(setup(rule(1)), setup(labelled))).rules).toEqual([
      [
        ...[1, 1],
        [
          { field: "description", after: "d" },
          { field: "tags", after: ["a", "b"] },
          { field: "enabled", after: false },
        ],
      ],
    ]);
    expect(isEmpty(planOf(setup(fromFile({ ...toFile(rule(1)), enabled: true, tags: [] })), setup(rule(1))))).toBe(
      true,
    );
  });

  test("knows a rule by its name when its input changes, if the name is its own", () => {
    const plan = planOf(setup(rule(1, { name: "a" })), setup(rule(2, { name: "a" })));
    expect(plan.rules[0]?.fields.map(({ field }) => field)).toEqual(["input.port", "outputs", "outputs"]);
    expect(changeOf(plan)).toMatchObject({ put: [{ input_port: 2 }], remove: [rule(1).rule_id] });
    const unclear = planOf(setup(rule(1, { name: "a" })), setup(rule(2, { name: "a" }), rule(3, { name: "a" })));
    expect(unclear.rules.map(({ before, after }) => [before?.input_port, after?.input_port])).toEqual([
      ...[
        [undefined, 2],
        [undefined, 3],
      ],
      [1, undefined],
    ]);
  });

  test("counts null and nothing pinned as nothing", () => {
    const to = { rules: [], settings: { pinning: {}, multicast_ttl: null, pim: null } };
    expect(isEmpty(planOf(setup(), to))).toBeTrue();
    expect(planOf(setup(), { rules: [], settings: { multicast_ttl: 4 } }).settings).toEqual([
      { field: "multicast_ttl", after: 4 },
    ]);
  });

  test("is undone without touching what came later", () => {
    const before = { rules: [rule(1), rule(2)], settings: { multicast_ttl: 2 } };
    const plan = planOf(before, setup(rule(2, { name: "b" }), rule(3)));
    const later = setup(rule(2, { name: "b" }), rule(3), rule(4));
    const back = undone(later, plan);
    expect(isEmpty(planOf({ ...before, rules: [...before.rules, rule(4)] }, back))).toBeTrue();
  });
});

describe("the history", () => {
  test("numbers versions and forgets the oldest, by count and by rules", () => {
    const history = new History();
    const none = planOf(setup(), setup());
    for (let count = 0; count < limits.configVersionsMax + 5; count++) {
      history.add({ how: "apply", uid: 7 }, count, setup(), none);
    }
    expect([history.list().length, history.list()[0]?.number, history.get(1)]).toEqual([
      limits.configVersionsMax,
      6,
      undefined,
    ]);
    const many = setup(...Array<Rule>(limits.configVersionsRulesMax).fill(rule(1)));
    history.add({ how: "reload" }, 0, many, none);
    expect(history.list().length).toBeLessThan(limits.configVersionsMax + 1);
    history.add({ how: "reload" }, 0, many, none);
    expect(history.list().map(({ setup: { rules } }) => rules.length)).toEqual([limits.configVersionsRulesMax]);
  });
});
