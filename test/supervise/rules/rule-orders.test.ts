import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { outputMax } from "../../../src/relay/counters.ts";
import { makeRule } from "../../../src/rules/schema.ts";
import { type LiveRule, upbringingOf } from "../../../src/supervise/rules/live-rule.ts";
import { orderChange } from "../../../src/supervise/rules/rule-orders.ts";
import type { Order } from "../../../src/worker/orders.ts";

function lives(count: number): LiveRule[] {
  const input = { input_interface: "eth0", input_group: "239.1.1.1", input_protocol: 17 };
  return Array.from({ length: count }, (_, index) => ({
    rule: makeRule({ ...input, input_port: (index % 60_000) + 1, outputs: [] }, "Static"),
    ...{ serial: index + 1, counter: index, sinceMs: 0, outputs: [], captures: [], uncaptured: [], pending: undefined },
  }));
}

/** Workers that remember their orders; from the order with number `failsAt` on they refuse. */
function workers(failsAt = Number.POSITIVE_INFINITY) {
  const orders: Order[] = [];
  let [waiting, waitingMost] = [0, 0];
  const order = async (each: Order) => {
    orders.push(each);
    waiting++;
    waitingMost = Math.max(waitingMost, waiting);
    const isRefused = orders.length > failsAt;
    await Promise.resolve();
    waiting--;
    return isRefused ? ["worker 1: no"] : [];
  };
  return { order, orders, most: () => waitingMost };
}

test("a change is one order; a large one comes in pieces, a few at a time, first and last marked", async () => {
  const one = workers();
  expect(await orderChange(one, lives(2), [7])).toEqual([]);
  expect(one.orders).toMatchObject([
    { kind: "ChangeRules", put: { length: 2 }, remove: [7], isFirst: true, isLast: true },
  ]);
  const many = workers();
  expect(await orderChange(many, lives(limits.rulesMax), [])).toEqual([]);
  const pieces = many.orders.filter((order) => order.kind === "ChangeRules");
  expect(pieces.flatMap(({ put }) => put).length).toBe(limits.rulesMax);
  expect(pieces.map(({ isFirst, isLast }) => [isFirst, isLast]).filter(([first, last]) => first || last)).toEqual([
    [true, false],
    [false, true],
  ]);
  expect(many.most()).toBeLessThanOrEqual(limits.orderWindow);
  const none = workers();
  expect(await orderChange(none, [], [])).toEqual([]);
  expect(none.orders).toEqual([]);
});

test("the last piece is not sent when one before it was refused", async () => {
  const refusing = workers(3);
  // Several orders were under way; what each is told for is said once.
  expect(await orderChange(refusing, lives(limits.rulesMax), [])).toEqual(["worker 1: no"]);
  expect(refusing.orders.some((order) => order.kind === "ChangeRules" && order.isLast)).toBeFalse();
});

/** A rule as long as one can be in an order, with so many outputs. */
function longest(outputCount: number): LiveRule {
  const input = { input_interface: "eth*", input_group: "255.255.255.0/24", input_port: "55000-59999" };
  const rule = makeRule({ ...input, input_protocol: 17, input_source: "255.255.255.0/24", outputs: [] }, "Static");
  const address = 0xffff_ff00;
  const output = {
    ...{ id: 9_999_999, counter: 131_071, fd: 1_000_000, pending: undefined, madeFrom: "", ttl: 64 },
    stamp: { address, port: 55_000, protocol: 17, ttl: 255, tos: 252 },
    mapping: { group: address, groupBits: 24, port: -55_000, isOffset: false },
    output: { group: "239.2.2.2", port: 6000, interface: "eth0" },
  };
  return {
    rule: { ...rule, rule_id: "x".repeat(limits.ruleIdSizeMax) },
    ...{ serial: 99_999_999, counter: 16_383, sinceMs: 0, uncaptured: [], pending: undefined },
    outputs: new Array(outputCount).fill(output) as LiveRule["outputs"],
    captures: new Array(limits.captureLinksMax).fill({ serial: 9_999_999 }) as LiveRule["captures"],
  };
}

test("the largest set of rules there can be is one order that a worker takes, and all it is told at its birth may wait for it", () => {
  const perRule = Math.floor(outputMax / limits.rulesMax);
  // Of one rule; those of all are as many times as large.
  const orders = upbringingOf([longest(perRule)]).map(({ order }) => JSON.stringify(order).length * limits.rulesMax);
  expect(orders.at(-1)).toBeLessThan(limits.orderSizeMax);
  // Each order goes to both halves.
  expect(orders.reduce((sum, size) => sum + 2 * size, 0)).toBeLessThan(limits.orderQueueSizeMax);
});
