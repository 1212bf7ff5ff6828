import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../../src/limits.ts";
import { explain } from "../../src/rules/explain.ts";
import { makeRule, type RuleDraft, ruleDraftSchema, ruleSchema } from "../../src/rules/schema.ts";

const good = {
  rule_id: "",
  name: "feed-a",
  input_interface: "eth0",
  input_group: "239.1.1.1",
  input_port: 5000,
  input_protocol: 17,
  outputs: [
    { group: "239.2.2.2", port: 5001, interface: "eth1", ttl: 4, source_ip: "10.0.0.9" },
    { group: "10.0.0.7", port: 6000, interface: "eth2" },
  ],
};

/** What an operator reads when `change` is applied to a good rule. */
function complaint(change: object): string {
  const parsed = ruleDraftSchema.safeParse({ ...good, ...change });
  return parsed.success ? "accepted" : explain(parsed.error, "AddRule");
}

function outputComplaint(change: object): string {
  return complaint({ outputs: [good.outputs[1], { ...good.outputs[0], ...change }] });
}

describe("a rule's schema", () => {
  test("keeps the wire's key order and drops what is not given", () => {
    const draft = ruleDraftSchema.parse({
      ...good,
      outputs: [{ ttl: null, interface: "eth1", port: 1, group: "10.0.0.1", x: 1 }],
      name: null,
    });
    const rule = makeRule(draft, "Dynamic");
    expect(JSON.stringify(rule)).toBe(
      '{"rule_id":"18302982b59d5f86","input_interface":"eth0","input_group":"239.1.1.1","input_port":5000,' +
        '"input_protocol":17,"outputs":[{"group":"10.0.0.1","port":1,"interface":"eth1"}],"source":"Dynamic"}',
    );
    expect(ruleSchema.parse(JSON.parse(JSON.stringify(rule)))).toEqual(rule);
  });

  test("says how datagrams leave and how a group is joined, in the wire's order", () => {
    const outputs = [
      { group: "239.2.2.2", port: 5001, interface: "eth1", source_port: 4000, dscp: 46 },
      { group: "239.2.2.2", port: 5002, interface: "eth1", preserve_source: true },
    ];
    const joining = { input_igmp_version: 2, input_rejoin_interval: 0 };
    const rule = makeRule(ruleDraftSchema.parse({ ...good, ...joining, outputs }), "Dynamic");
    expect(rule).toMatchObject({ rule_id: "18302982b59d5f86", ...joining, outputs });
    expect(ruleSchema.parse(JSON.parse(JSON.stringify(rule)))).toEqual(rule);
  });

  for (const [change, says] of [
    [{ dscp: 64 }, "output[1].dscp must be a DSCP from 0 to 63, not 64"],
    [{ source_ip: null, source_port: 0 }, "output[1].source_port must be a port from 1 to 65535, not 0"],
    [{ preserve_source: true }, "output[1].source_ip contradicts preserve_source"],
    [{ source_ip: null, preserve_source: true, source_port: 5 }, "output[1].source_port contradicts preserve_source"],
    [{ source_ip: null, preserve_source: "yes" }, "output[1].preserve_source must be true or false, not 'yes'"],
  ] as const) {
    test(`an output with ${JSON.stringify(change)} is refused: ${says}`, () => {
      expect(outputComplaint(change)).toContain(says);
    });
  }

  for (const [change, says] of [
    [{ input_igmp_version: 1 }, "input_igmp_version must be 2 or 3, not 1"],
    [{ input_igmp_version: 2, input_source: "10.0.0.1" }, "input_igmp_version cannot be 2 where a source is named"],
    [{ input_igmp_version: 3, input_source: "10.0.0.1" }, "accepted"],
    [{ input_group: "10.0.0.1", input_rejoin_interval: 9 }, "has no meaning for the unicast address 10.0.0.1"],
    [{ input_rejoin_interval: -1 }, "input_rejoin_interval must be a number of seconds from 0 to 86400, not -1"],
    [
      { input_protocol: 50, outputs: [{ ...good.outputs[0], source_port: 5 }] },
      "output[0].source_port has no meaning for ESP",
    ],
  ] as const) {
    test(`a rule with ${JSON.stringify(change)}: ${says}`, () => expect(complaint(change)).toContain(says));
  }

  test("takes protocol 17 when none is given, and an id of the client's verbatim", () => {
    const { input_protocol: _, ...rest } = good;
    const rule = makeRule(ruleDraftSchema.parse({ ...rest, rule_id: "mine" }), "Static");
    expect([rule.input_protocol, rule.rule_id, rule.source]).toEqual([17, "mine", "Static"]);
  });

  test("ESP has no ports: the rule has port 0, its id the port as written", () => {
    const esp = { ...good, input_group: "239.255.0.100", input_port: 0, input_protocol: 50 };
    expect(makeRule(ruleDraftSchema.parse(esp), "Dynamic")).toMatchObject({
      rule_id: "f463092e7a6d16f6",
      input_port: 0,
    });
    const written = makeRule(ruleDraftSchema.parse({ ...esp, input_port: 7 }), "Dynamic");
    expect([written.input_port, written.rule_id === "f463092e7a6d16f6"]).toEqual([0, false]);
  });

  test("accepts what is unusual but right", () => {
    expect(complaint({ outputs: [] })).toBe("accepted");
    expect(complaint({ input_group: "10.0.0.1" })).toBe("accepted");
    expect(complaint({ input_source: "10.0.0.1" })).toBe("accepted");
    for (const name of ["1g0", "eth0.600", "br-lan@x", "wg_é", "x".repeat(15)]) {
      expect(complaint({ input_interface: name })).toBe("accepted");
    }
  });

  for (const [change, says] of [
    [{ input_port: 0 }, "input_port cannot be 0; valid port range is 1-65535"],
    [{ input_port: 65_536 }, "input_port must be a port from 1 to 65535, not 65536"],
    [{ input_port: -1 }, "input_port must be a port from 1 to 65535, not -1"],
    [{ input_port: 1.5 }, "input_port must be a port from 1 to 65535, not 1.5"],
    [{ input_port: "5000" }, "input_port must be a port from 1 to 65535, not '5000'"],
    [{ input_port: undefined }, "input_port is missing; it must be a port from 1 to 65535"],
    [{ input_port: null }, "input_port must be a port from 1 to 65535, not null"],
    [
      { input_group: "239.1.1" },
      "input_group must be an IPv4 address, multicast or unicast, such as 239.1.1.1, not '239.1.1'",
    ],
    [{ input_group: "0.0.0.0" }, "input_group must be an IPv4 address"],
    [{ input_group: ["239.1.1.1"] }, "not a list"],
    [{ input_source: "224.0.0.1" }, "input_source must be a unicast IPv4 address such as 10.0.0.9, not '224.0.0.1'"],
    [{ input_protocol: 6 }, "input_protocol must be 17 (UDP) or 50 (ESP), not 6"],
    [{ input_interface: "" }, "Invalid input_interface: '' must not be empty"],
    [{ input_interface: "a/b" }, "Invalid input_interface: 'a/b' contains invalid character"],
    [{ input_interface: "eth0:1" }, "Invalid input_interface: 'eth0:1' contains invalid character"],
    [{ input_interface: "eth 0" }, "Invalid input_interface: 'eth 0' contains white space"],
    [{ input_interface: ".." }, "Invalid input_interface: '..' is a name that Linux does not allow"],
    [{ input_interface: "é".repeat(8) }, "exceeds maximum length of 15"],
    [{ input_interface: 7 }, "Invalid input_interface: must be the name of a network interface, not 7"],
    [{ name: "x".repeat(limits.ruleNameSizeMax + 1) }, "name is 129 bytes long; at most 128 are allowed"],
    [{ name: "a\u001b[2J" }, "name must not contain control characters: 'a\\u001b[2J'"],
    [{ name: "\ud800" }, "name must not contain control characters"],
    [{ rule_id: "x".repeat(limits.ruleIdSizeMax + 1) }, "rule_id is 129 bytes long"],
    [{ rule_id: 5 }, "rule_id must be a rule id, not 5"],
    [{ outputs: undefined }, "outputs is missing; it must be a list of outputs"],
    [{ outputs: {} }, "outputs must be a list of outputs, not an object"],
    [{ outputs: ["x"] }, "output[0] must be an object, not 'x'"],
    [{ outputs: Array(65).fill(good.outputs[0]) }, "outputs has 65 entries; at most 64 are allowed"],
  ] as const) {
    test(`says "${says.slice(0, 60)}" to ${JSON.stringify(change).slice(0, 60)}`, () => {
      expect(complaint(change)).toContain(says);
    });
  }

  for (const [change, says] of [
    [{ port: 0 }, "output[1].port cannot be 0; valid port range is 1-65535"],
    [{ port: 70_000 }, "output[1].port must be a port from 1 to 65535, not 70000"],
    [{ interface: "x".repeat(16) }, "Invalid output_interface in output[1]: "],
    [{ ttl: 0 }, "output[1].ttl must be a TTL from 1 to 255, not 0"],
    [{ ttl: 256 }, "output[1].ttl must be a TTL from 1 to 255, not 256"],
    [{ ttl: "4" }, "output[1].ttl must be a TTL from 1 to 255, not '4'"],
    [{ source_ip: "239.1.1.1" }, "output[1].source_ip must be a unicast IPv4 address"],
    [{ group: "255.255.255.255" }, "output[1].group must be an IPv4 address"],
    [{ group: undefined }, "output[1].group is missing"],
  ] as const) {
    test(`says "${says}" to an output with ${JSON.stringify(change)}`, () => {
      expect(outputComplaint(change)).toContain(says);
    });
  }

  test("one line carries three problems and counts the rest", () => {
    expect(complaint({ input_interface: 1, input_group: 1, input_port: "x", outputs: 1 })).toMatch(
      /; .*; .*; and 1 more$/,
    );
  });

  test("whatever is not a rule is refused with a short printable text, never thrown", () => {
    const mess = fc.oneof(
      fc.anything(),
      fc.record({ ...Object.fromEntries(Object.keys(good).map((key) => [key, fc.anything()])) }),
    );
    fc.assert(
      fc.property(mess, (value) => {
        const parsed = ruleDraftSchema.safeParse(value);
        const text = parsed.success ? "" : explain(parsed.error, "AddRule");
        return text.length < 600 && !/\p{Cc}/u.test(text);
      }),
    );
  });

  test("what is accepted is within every bound and can be accepted again", () => {
    const draft = fc.record({
      input_interface: fc.string({ unit: "binary", maxLength: 20 }),
      input_group: fc.ipV4(),
      input_port: fc.integer({ min: -2, max: 70_000 }),
      input_protocol: fc.constantFrom(17, 50, 6),
      outputs: fc.array(
        fc.record({ group: fc.ipV4(), port: fc.nat(70_000), interface: fc.string({ maxLength: 20 }) }),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(draft, (value) => {
        const parsed = ruleDraftSchema.safeParse(value);
        if (!parsed.success) return;
        const again: RuleDraft = ruleDraftSchema.parse(JSON.parse(JSON.stringify(parsed.data)));
        expect(again).toEqual(parsed.data);
        expect(Buffer.byteLength(again.input_interface)).toBeLessThanOrEqual(15);
        expect(again.input_port).toBeLessThanOrEqual(65_535);
      }),
    );
  });
});
