import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { makeRule } from "../../../src/rules/schema.ts";
import type { LiveRule } from "../../../src/supervise/rules/live-rule.ts";
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
  expect(await orderChange(refusing, lives(limits.rulesMax), [])).not.toEqual([]);
  expect(refusing.orders.some((order) => order.kind === "ChangeRules" && order.isLast)).toBeFalse();
});
