import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { judgeTexts } from "../../src/config/load.ts";
import { isEmpty, planOf } from "../../src/config/plan.ts";
import { rewritten } from "../../src/config/rewrite.ts";
import type { Rule } from "../../src/rules/schema.ts";

const file = `// Feeds of the east.
{
  // how far multicast goes
  multicast_ttl: 4, // hops
  rules: [
    // the first feed
    {
      name: 'a', // single quotes
      input: { interface: "eth0", group: "239.1.1.1", port: 5000, protocol: "udp", note: "kept" },
      outputs: [
        { group: "239.2.2.2", port: 5001, interface: "eth1" }, // studio
        { group: "10.0.0.7", port: 5001, interface: "eth2" }, // archive
      ],
    },
    { name: "b", input: { interface: "eth0", group: "239.1.1.2", port: 5000 }, outputs: [] }, // soon
    // the last
    { name: "c", input: { interface: "eth0", group: "239.1.1.3", port: 0x1388 }, outputs: [] }
  ],
}
`;

function loadedOf(text: string) {
  const { loaded, problems } = judgeTexts([{ path: "f", text }]);
  if (loaded === undefined) throw new Error(problems.map(({ message }) => message).join());
  return loaded;
}

/** The file after `change` was made to its rules and settings. */
function after(change: (rules: Rule[]) => Rule[], settings: object = loadedOf(file).settings, text = file): string {
  const loaded = loadedOf(text);
  const result = rewritten(loaded.texts, { rules: change(structuredClone(loaded.rules)), settings }, "f");
  if (!result.ok) throw new Error(result.error);
  return result.value[0]?.text ?? text;
}

/** Lines that only one of two texts has: `-` the first, `+` the second. */
function changesOf(a: string, b: string): string[] {
  const [before, behind] = [a.split("\n"), b.split("\n")];
  return [
    ...before.filter((line) => !behind.includes(line)).map((line) => `- ${line.trim()}`),
    ...behind.filter((line) => !before.includes(line)).map((line) => `+ ${line.trim()}`),
  ];
}

const more: Rule = {
  rule_id: "mine",
  input_interface: "eth0",
  input_group: "239.1.1.9",
  input_port: 5000,
  input_protocol: 17,
  outputs: [{ group: "239.2.2.2", port: 5001, interface: "eth1", ttl: 2 }],
  source: "Dynamic",
};

describe("saving into a file", () => {
  test("that says what runs touches nothing", () => {
    expect(after((rules) => rules)).toBe(file);
  });

  test("adds rules behind the last, where a comma may be missing", () => {
    expect(
      changesOf(
        file,
        after((rules) => [...rules, more]),
      ),
    ).toEqual([
      '- { name: "c", input: { interface: "eth0", group: "239.1.1.3", port: 0x1388 }, outputs: [] }',
      '+ { name: "c", input: { interface: "eth0", group: "239.1.1.3", port: 0x1388 }, outputs: [] },',
      '+ rule_id: "mine",',
      '+ input: { interface: "eth0", group: "239.1.1.9", port: 5000 },',
      '+ outputs: [{ group: "239.2.2.2", port: 5001, interface: "eth1", ttl: 2 }],',
    ]);
  });

  test("takes a rule out with what stands behind it on its line, and leaves what stands above", () => {
    expect(
      changesOf(
        file,
        after((rules) => rules.filter(({ name }) => name !== "b")),
      ),
    ).toEqual(['- { name: "b", input: { interface: "eth0", group: "239.1.1.2", port: 5000 }, outputs: [] }, // soon']);
    expect(
      changesOf(
        file,
        after((rules) => rules.filter(({ name }) => name !== "c")),
      ),
    ).toEqual(['- { name: "c", input: { interface: "eth0", group: "239.1.1.3", port: 0x1388 }, outputs: [] }']);
  });

  test("changes the field that differs, and keeps comments, quotes and keys of others", () => {
    const changed = after((rules) =>
      rules.map((rule) =>
        rule.name === "a"
          ? { ...rule, exclusive: true, outputs: rule.outputs.map((output) => ({ ...output, ttl: 9 })) }
          : rule,
      ),
    );
    expect(changesOf(file, changed)).toEqual([
      '- { group: "239.2.2.2", port: 5001, interface: "eth1" }, // studio',
      '- { group: "10.0.0.7", port: 5001, interface: "eth2" }, // archive',
      '+ { group: "239.2.2.2", port: 5001, interface: "eth1", ttl: 9 }, // studio',
      '+ { group: "10.0.0.7", port: 5001, interface: "eth2", ttl: 9 }, // archive',
      "+ exclusive: true,",
    ]);
  });

  test("writes that a rule is disabled, and takes it out again when it is not", () => {
    const labelled = (labels: Partial<Rule>) => (rules: Rule[]) =>
      rules.map((rule) => (rule.name === "b" ? { ...rule, ...labels } : rule));
    const resting = after(labelled({ enabled: false, tags: ["lab"] }));
    const line = '{ name: "b", input: { interface: "eth0", group: "239.1.1.2", port: 5000 }, outputs: []';
    expect(changesOf(file, resting)).toEqual([
      `- ${line} }, // soon`,
      `+ ${line}, tags: ["lab"], enabled: false }, // soon`,
    ]);
    const awake = after((rules) => rules.map(({ enabled: _, ...rule }) => rule), loadedOf(resting).settings, resting);
    expect(changesOf(file, awake)).toEqual([`- ${line} }, // soon`, `+ ${line}, tags: ["lab"], }, // soon`]);
  });

  test("keeps outputs that stay as they are written", () => {
    const only = (rules: Rule[]) =>
      rules.map((rule) => (rule.name === "a" ? { ...rule, outputs: rule.outputs.slice(1) } : rule));
    expect(changesOf(file, after(only))).toEqual([
      '- { group: "239.2.2.2", port: 5001, interface: "eth1" }, // studio',
    ]);
  });

  test("changes, adds and removes settings", () => {
    const same = (rules: Rule[]) => rules;
    expect(changesOf(file, after(same, { multicast_ttl: 8 }))).toEqual([
      "- multicast_ttl: 4, // hops",
      "+ multicast_ttl: 8, // hops",
    ]);
    expect(changesOf(file, after(same, {}))).toEqual(["- multicast_ttl: 4, // hops"]);
    expect(changesOf(file, after(same, { multicast_ttl: 4, pinning: { eth0: [1] } }))).toEqual([
      "+ pinning: { eth0: [1] },",
    ]);
  });

  test("into a file that says nothing, and into none", () => {
    for (const text of [
      "{}",
      "{ }\n",
      "{ rules: [], }",
      "{ // nothing yet\n}",
      "{ rules: null }",
      "{ rules: [ /* none */ ] }",
    ]) {
      const saved = after(() => [more], { multicast_ttl: 3 }, text);
      expect(loadedOf(saved)).toMatchObject({ rules: [{ rule_id: "mine" }], settings: { multicast_ttl: 3 } });
    }
    const made = rewritten([], { rules: [more], settings: {} }, "new");
    expect(made.ok && loadedOf(made.value[0]?.text ?? "").rules).toMatchObject([{ rule_id: "mine" }]);
  });

  test("leaves rules in the file that they stand in; new ones go into the first", () => {
    const texts = [
      { path: "main", text: "{ rules: [] }" },
      {
        path: "conf.d/a",
        text: `{ rules: [ { name: "x", input: { interface: "e", group: "239.1.1.1", port: 1 }, outputs: [] } ] }`,
      },
    ];
    const [x] = judgeTexts(texts).loaded?.rules ?? [];
    if (x === undefined) throw new Error("no rule");
    const both = rewritten(texts, { rules: [{ ...x, name: "y" }, more], settings: {} }, "main");
    expect(both.ok && both.value.map(({ path }) => path)).toEqual(["main", "conf.d/a"]);
    const none = rewritten(texts, { rules: [], settings: {} }, "main");
    expect(none.ok && none.value.map(({ path }) => path)).toEqual(["conf.d/a"]);
  });
});

describe("saving anything into any file", () => {
  const address = fc.integer({ min: 1, max: 6 }).map((last) => `239.1.1.${last}`);
  const output = fc.record(
    {
      group: fc.constantFrom("239.2.2.2", "239.2.2.3", "10.0.0.1"),
      port: fc.integer({ min: 1, max: 3 }),
      interface: fc.constantFrom("eth1", "eth2"),
      ttl: fc.integer({ min: 1, max: 255 }),
      source_ip: fc.constant("10.0.0.9"),
    },
    { requiredKeys: ["group", "port", "interface"] },
  );
  const ruleValue = fc.record(
    {
      name: fc.constantFrom("a", "b", "'\"\\\n".slice(0, 3)),
      rule_id: fc.constantFrom("x", "y"),
      exclusive: fc.boolean(),
      outputs: fc.array(output, { maxLength: 4 }),
      input: fc.record(
        {
          interface: fc.constant("eth0"),
          group: address,
          port: fc.constant(5),
          source: fc.constant("10.1.1.1"),
          protocol: fc.constantFrom("esp", "udp", "tcp"),
        },
        { requiredKeys: ["interface", "group", "port"] },
      ),
    },
    { requiredKeys: ["input", "outputs"] },
  );
  const config = fc
    .record(
      { rules: fc.array(ruleValue, { maxLength: 5 }), multicast_ttl: fc.integer({ min: 1, max: 5 }) },
      { requiredKeys: [] },
    )
    .filter((value) => judgeTexts([{ path: "f", text: JSON.stringify(value) }]).loaded !== undefined);
  /** The same text with comments and line breaks wherever they may stand. */
  const dressed = fc
    .tuple(config, fc.infiniteStream(fc.constantFrom("", "", "", " /* c, } */ ", "\n", " // ] , c\n", "  ")))
    .map(([value, stream]) =>
      JSON.stringify(value, null, 1).replace(
        /"(?:[^"\\]|\\.)*"|[{}[\],:]/g,
        (token) => `${stream.next().value}${token}${stream.next().value}`,
      ),
    );

  test("gives files that mean exactly what runs, and comments that were between rules are still there", () => {
    fc.assert(
      fc.property(dressed, config, (text, wanted) => {
        const { rules, settings } = loadedOf(JSON.stringify(wanted));
        const result = rewritten([{ path: "f", text }], { rules, settings }, "f");
        expect(result).toMatchObject({ ok: true });
        const saved = result.ok ? (result.value[0]?.text ?? text) : "";
        expect(isEmpty(planOf(loadedOf(saved), { rules, settings }))).toBeTrue();
      }),
      { numRuns: 1_000 },
    );
  });
});
