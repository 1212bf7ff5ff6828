import { expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../../src/limits.ts";
import { digestOf, RulesDigest } from "../../src/worker/digest.ts";
import type { OrderRule } from "../../src/worker/orders.ts";
import { prove } from "../helpers/prove.ts";

const rule = (serial: number, more: Partial<OrderRule> = {}): OrderRule => ({
  ...{ serial, rule_id: `rule-${serial}`, counter: serial, captures: [1], group: 0xef010101, port: 5000, protocol: 17 },
  ...{ source: 0, outputs: [{ id: serial, counter: serial, isPending: false }], ...more },
});

test("without rules it is known, and it fits a report with the most rules there can be", () => {
  expect(new RulesDigest("ingress").text).toBe("0:0000000000000000");
  expect(`${limits.rulesMax}:${"f".repeat(16)}`.length).toBeLessThanOrEqual(limits.rulesDigestSizeMax);
});

test("the way does not matter: adding, replacing and dropping in any order ends in the same text", () => {
  const steps = fc.array(fc.record({ serial: fc.integer({ min: 1, max: 6 }), port: fc.nat(3), isDrop: fc.boolean() }));
  prove(
    fc.property(fc.constantFrom("ingress" as const, "egress" as const), steps, (half, taken) => {
      const digest = new RulesDigest(half);
      const left = new Map<number, OrderRule>();
      for (const { serial, port, isDrop } of taken) {
        if (isDrop) {
          digest.drop(serial);
          left.delete(serial);
        } else {
          digest.put(rule(serial, { port }));
          left.set(serial, rule(serial, { port }));
        }
      }
      expect(digest.text).toBe(digestOf(half, [...left.values()].reverse()));
    }),
    300,
  );
});

test.each<[string, Partial<OrderRule>]>([
  ["port", { port: 5001 }],
  ["group", { group: 0xef010102 }],
  ["source", { source: 1 }],
  ["capture", { captures: [1, 2] }],
  ["range", { range: { groupBits: 16, portLast: 5000, sourceBits: 0, linkRank: 16 } }],
])("ingress tells another %s", (_, more) => {
  expect(digestOf("ingress", [rule(1, more)])).not.toBe(digestOf("ingress", [rule(1)]));
});

test.each<[string, OrderRule["outputs"]]>([
  ["no output", []],
  ["another socket", [{ id: 2, counter: 1, isPending: false }]],
  ["an output that waits", [{ id: 1, counter: 1, isPending: true }]],
  [
    "one output more",
    [
      { id: 1, counter: 1, isPending: false },
      { id: 2, counter: 2, isPending: false },
    ],
  ],
])("egress tells %s", (_, outputs) => {
  expect(digestOf("egress", [rule(1, { outputs })])).not.toBe(digestOf("egress", [rule(1)]));
});

test("a rule more or less is told, and two rules that changed places", () => {
  const both = digestOf("ingress", [rule(1), rule(2)]);
  expect(digestOf("ingress", [rule(1)])).not.toBe(both);
  const swapped = [rule(1, { rule_id: "rule-2" }), rule(2, { rule_id: "rule-1" })];
  expect(digestOf("ingress", swapped)).not.toBe(both);
});
