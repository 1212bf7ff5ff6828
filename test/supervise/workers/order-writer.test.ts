import { expect, test } from "bun:test";
import { FrameReader } from "../../../src/base/frames.ts";
import { limits } from "../../../src/limits.ts";
import { shim } from "../../../src/shim/library.ts";
import { map, scratch } from "../../../src/shim/memory.ts";
import { OrderWriter } from "../../../src/supervise/workers/order-writer.ts";
import { OrderStream } from "../../../src/worker/streams.ts";
import { until } from "../../helpers/until.ts";

/** A writer, the worker's ends of its streams, and what it complained of. */
function lab() {
  const pair = (): [number, number] => {
    expect(shim.mcr_pair(scratch.pointer, 1)).toBe(0);
    return [scratch.i32[0] ?? -1, scratch.i32[1] ?? -1];
  };
  const [ingress, farIngress] = pair();
  const [egress, farEgress] = pair();
  const complaints: string[] = [];
  const writer = new OrderWriter(ingress, egress, (reason) => complaints.push(reason));
  return { writer, farIngress, farEgress, complaints };
}

const big = "x".repeat(300_000);
const bigOrder = (seq: number) => ({
  seq,
  order: {
    kind: "SyncRules" as const,
    rules: [
      { serial: 1, rule_id: big, counter: 0, captures: [1], group: 1, port: 1, protocol: 17, source: 0, outputs: [] },
    ],
  },
});

test("an order goes to both streams, its sockets to egress alone", () => {
  const { writer, farIngress, farEgress, complaints } = lab();
  const [ingress, egress] = [new OrderStream(farIngress), new OrderStream(farEgress)];
  writer.send({ seq: 1, order: { kind: "Sockets", ids: [8] } }, [farIngress]);
  writer.send({ seq: 2, order: { kind: "Ping" } }, []);
  expect(egress.read().orders.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(ingress.read().orders.map(({ seq }) => seq)).toEqual([1, 2]);
  expect([ingress.sockets.length, egress.sockets.length]).toEqual([0, 1]);
  shim.mcr_close(egress.sockets[0] ?? -1);
  writer.close();
  expect(ingress.read().end).toEqual({ ended: true });
  expect(complaints).toEqual([]);
});

test("what a full stream does not take is sent when it is read again; ingress hears of nothing before egress", async () => {
  const { writer, farIngress, farEgress, complaints } = lab();
  const into = map(65_536);
  const reader = new FrameReader(limits.orderSizeMax);
  const seen: number[] = [];
  const ingress = new OrderStream(farIngress);
  const heard: number[] = [];
  for (let seq = 1; seq <= 10; seq++) writer.send(bigOrder(seq), []);
  await until(
    "all orders arrive",
    () => {
      const size = shim.mcr_read(farEgress, into.pointer, 65_536);
      const bodies = size > 0 ? reader.push(into.u8.slice(0, size)) : [];
      for (const body of "refused" in bodies ? [] : bodies) {
        seen.push(JSON.parse(new TextDecoder().decode(body)).seq);
      }
      heard.push(...ingress.read().orders.map(({ seq }) => seq));
      expect(heard.length).toBeLessThanOrEqual(seen.length);
      return heard.length;
    },
    (count) => count === 10,
    { deadlineMs: 10_000 },
  );
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(heard).toEqual(seen);
  expect(complaints).toEqual([]);
  writer.close();
  into.close();
});

test("a worker that does not read is given up when too much waits for it, and not asked to take more", () => {
  const { writer, complaints } = lab();
  for (let seq = 1; complaints.length === 0 && seq < 1_000; seq++) writer.send(bigOrder(seq), []);
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toContain("bytes of orders wait for it");
  writer.close();
});

test("a worker that is gone is said once", () => {
  const { writer, farIngress, farEgress, complaints } = lab();
  shim.mcr_close(farIngress);
  shim.mcr_close(farEgress);
  writer.send({ seq: 1, order: { kind: "Ping" } }, []);
  writer.send({ seq: 2, order: { kind: "Ping" } }, []);
  expect(complaints).toEqual(["writing orders: EPIPE"]);
  writer.close();
});
