import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { OpenOrders } from "../../../src/supervise/workers/open-orders.ts";
import type { Half } from "../../../src/worker/orders.ts";

const done = (seq: number, by: Half, error?: string) => ({
  kind: "done" as const,
  seq,
  by,
  rules: "0:0",
  ...(error === undefined ? {} : { error }),
});

test("an order is carried out when both halves have said so", async () => {
  const orders = new OpenOrders(0);
  const first = orders.open(1, "Ping");
  expect(orders.acknowledge(done(1, "egress"))).toBeUndefined();
  expect(await Promise.race([first, Promise.resolve("open")])).toBe("open");
  expect(orders.acknowledge(done(1, "ingress"))).toBeUndefined();
  expect(await first).toBeUndefined();
});

test("an error of one half is the order's, and the other half still owes its word", async () => {
  const orders = new OpenOrders(0);
  const order = orders.open(1, "Ping");
  orders.acknowledge(done(1, "ingress", "no capture"));
  expect(orders.acknowledge(done(1, "egress"))).toBeUndefined();
  expect(await order).toBe("no capture");
});

test("what is not owed is refused: a number that never was, a second time, after the end", () => {
  const orders = new OpenOrders(0);
  void orders.open(1, "Ping");
  expect(orders.acknowledge(done(2, "egress"))).toContain("order 2, which it did not owe");
  orders.acknowledge(done(1, "egress"));
  expect(orders.acknowledge(done(1, "egress"))).toContain("did not owe");
  orders.acknowledge(done(1, "ingress"));
  expect(orders.acknowledge(done(1, "ingress"))).toContain("did not owe");
});

test("an order is overdue after the time in which we looked, not while we slept", () => {
  const orders = new OpenOrders(0);
  void orders.open(1, "SyncRules");
  expect(orders.look(1_000_000)).toBeUndefined();
  let nowMs = 1_000_000;
  let overdue = orders.look(nowMs);
  while (overdue === undefined) {
    nowMs += limits.heartbeatLookMs;
    overdue = orders.look(nowMs);
  }
  expect(overdue).toBe(`it did not acknowledge SyncRules within ${limits.orderAckWaitMs} ms`);
  expect(nowMs - 1_000_000).toBeLessThanOrEqual(limits.orderAckWaitMs);
});

test("when the worker is gone, nobody waits any longer", async () => {
  const orders = new OpenOrders(0);
  const open = [orders.open(1, "Ping"), orders.open(2, "ChangeRules")];
  expect(orders.hasChanges).toBe(true);
  orders.abandon("it ended: signal SIGKILL");
  expect(await Promise.all(open)).toEqual(["it ended: signal SIGKILL", "it ended: signal SIGKILL"]);
  expect(orders.hasChanges).toBe(false);
});
