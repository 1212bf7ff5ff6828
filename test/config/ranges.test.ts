// Prefixes, ranges and patterns in a file: read, written back, planned, and every mistake with its place.
import { describe, expect, test } from "bun:test";
import { judgeTexts } from "../../src/config/load.ts";
import { planOf } from "../../src/config/plan.ts";
import { problemLine } from "../../src/config/problem.ts";
import { fromFile, toFile } from "../../src/config/rule-value.ts";
import { ruleId } from "../../src/rules/id.ts";

const wide = { interface: "eth0", group: "239.1.0.0/16", port: "5000-5999" };
const mapped = { group: "239.9.0.0/16", port: "+1000", interface: "eth1" };

function said(...rules: readonly { input?: object; output?: object }[]): string[] {
  const all = rules.map(({ input, output }) => ({ input: { ...wide, ...input }, outputs: [{ ...mapped, ...output }] }));
  return judgeTexts([{ path: "f", text: JSON.stringify({ rules: all }) }]).problems.map(problemLine);
}

function rulesOf(...rules: object[]) {
  const { loaded, problems } = judgeTexts([{ path: "f", text: JSON.stringify({ rules }) }]);
  expect(problems).toEqual([]);
  return loaded?.rules ?? [];
}

describe("a rule of the file with ranges", () => {
  const whole = { ...wide, interface: "eth0.*", source: "10.1.0.0/16", join: ["239.1.0.1"] };

  test("is read, and written back as it was", () => {
    const [rule] = rulesOf({ input: whole, outputs: [mapped] });
    if (rule === undefined) throw new Error("there is one");
    expect(rule).toMatchObject({
      ...{ input_interface: "eth0.*", input_group: "239.1.0.0/16", input_port: "5000-5999" },
      ...{ input_source: "10.1.0.0/16", input_join: ["239.1.0.1"], outputs: [mapped] },
    });
    expect(toFile(rule)).toEqual({ input: whole, outputs: [mapped] });
    expect(fromFile({ ...toFile(rule), input: { ...whole } })).toEqual(rule);
  });

  test("has an id of its own for each range, and a prefix of 32 bits is the address, under the id that MCR gives", () => {
    const ids = [
      wide,
      { ...wide, group: "239.1.0.0/17" },
      { ...wide, port: "5000-5998" },
      { ...wide, source: "10.0.0.0/8" },
    ];
    const made = ids.map((input) => rulesOf({ input, outputs: [] })[0]?.rule_id);
    expect(new Set(made).size).toBe(ids.length);
    const [exact] = rulesOf({ input: { interface: "eth0", group: "239.1.1.1/32", port: 5000 }, outputs: [] });
    expect(exact).toMatchObject({ input_group: "239.1.1.1", rule_id: ruleId("eth0", "239.1.1.1", 5000, 17) });
  });

  test("is planned field by field", () => {
    const before = rulesOf({ name: "a", input: wide, outputs: [mapped] });
    const after = rulesOf({
      name: "a",
      input: { ...wide, join: ["239.1.0.1"] },
      outputs: [{ ...mapped, port: "+2000" }],
    });
    const { rules } = planOf({ rules: before, settings: {} }, { rules: after, settings: {} });
    expect(rules.flatMap(({ fields }) => fields)).toEqual([
      { field: "input.join", after: ["239.1.0.1"] },
      { field: "outputs", after: { ...mapped, port: "+2000" } },
      { field: "outputs", before: mapped },
    ]);
  });
});

describe("what is wrong with ranges is told with its place:", () => {
  test.each<[string, { input?: object; output?: object }]>([
    [
      "f:1:48: rules[0].input.group '239.1.2.0/16' has bits behind its prefix; '239.1.0.0/16' has none",
      { input: { group: "239.1.2.0/16" } },
    ],
    [
      "f:1:48: rules[0].input.group must be an IPv4 address, multicast or unicast, such as 239.1.1.1, or a prefix such as 239.1.0.0/16, not '239.1.0.0/33'",
      { input: { group: "239.1.0.0/33" } },
    ],
    [
      "f:1:70: rules[0].input.port must be a port from 1 to 65535, or a range such as \"5000-5999\", not '5999-5000'",
      { input: { port: "5999-5000" } },
    ],
    ["f:1:70: rules[0].input.port '5000-5000' is one port; write 5000", { input: { port: "5000-5000" } }],
    [
      "f:1:33: invalid interface name '*': means every link, also those of the outputs; say how the names begin, as in 'eth0.*' (at rules[0].input.interface)",
      { input: { interface: "*" } },
    ],
    [
      "f:1:33: invalid interface name 'e*0': has a '*' that is not at its end; 'eth0.*' means every link whose name begins so (at rules[0].input.interface)",
      { input: { interface: "e*0" } },
    ],
    [
      "f:1:103: rules[0].outputs[0].group '239.9.0.0/24' is a /24, and the input's group is a /16: they are mapped one to one, so both need the same length",
      { output: { group: "239.9.0.0/24" } },
    ],
    [
      "f:1:125: rules[0].outputs[0].port '+60000' leads ports 5000-5999 to 65000-65999; ports go from 1 to 65535",
      { output: { port: "+60000" } },
    ],
    [
      "f:1:125: rules[0].outputs[0].port '-5000' leads ports 5000-5999 to 0-999; ports go from 1 to 65535",
      { output: { port: "-5000" } },
    ],
    ["f:1:90: rules[0].input.join[0] '239.2.0.1' does not lie in 239.1.0.0/16", { input: { join: ["239.2.0.1"] } }],
    [
      "f:1:90: rules[0].input.join[0] must be a group such as 239.1.0.1, not '10.0.0.1'",
      { input: { join: ["10.0.0.1"] } },
    ],
    [
      "f:1:70: rules[0].input.port must be 0 for ESP, which has no ports",
      { input: { protocol: "esp" }, output: { port: 0 } },
    ],
  ])("%s", (line, rule) => {
    expect(said(rule)).toEqual([line]);
  });

  test("an output on a link that the input's pattern takes in", () => {
    expect(said({ input: { interface: "eth*" } })).toEqual([
      expect.stringContaining("input_interface 'eth*' stands for output_interface 'eth1' too"),
    ]);
  });

  test("two rules that tie, at the second", () => {
    expect(said({}, { input: { port: "5500-6499" } }).filter((line) => !line.includes("warning"))).toEqual([
      expect.stringMatching(
        /^f:1:\d+: rules 0 and 1 both take some datagrams of eth0 239\.1\.0\.0\/16:5500-6499 and eth0 239\.1\.0\.0\/16:5000-5999, and neither is more specific; first at f:1:11/,
      ),
    ]);
    expect(said({}, { input: { port: "5500-6498" } }).filter((line) => !line.includes("warning"))).toEqual([]);
  });

  test("a loop over ranges that overlap, and not over ranges that do not", () => {
    const back = {
      input: { interface: "eth1", group: "239.9.128.0/17", port: "6500-6999" },
      output: { interface: "eth0", group: "239.1.0.0/17", port: "-1000" },
    };
    expect(said({}, back)).toEqual([expect.stringContaining("it closes a loop")]);
    const apart = { ...back, input: { ...back.input, port: "7000-7499" } };
    expect(said({}, apart)).toEqual([]);
  });
});
