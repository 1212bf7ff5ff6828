// What egress counts beside what it sends: every datagram that entered is sent, failed, dropped by name, or in flight.
import { expect, test } from "bun:test";
import { complete, discard, enter, lose } from "../../src/relay/completion.ts";
import {
  batchCount,
  batchFirst,
  egress as counter,
  outputErrnoFirst,
  outputField,
  outputFirst,
  outputSize,
} from "../../src/relay/counters.ts";
import { Output, OutputRule } from "../../src/relay/output.ts";
import { Sends } from "../../src/relay/sends.ts";
import { Slots } from "../../src/relay/slots.ts";
import { noStamper } from "../helpers/egress-lab.ts";
import { memoryRegion } from "../helpers/ring-lab.ts";

const [ECONNREFUSED, EHOSTUNREACH] = [111, 113];

function lab() {
  const counters = new Float64Array(outputFirst + 2 * outputSize);
  const slots = new Slots();
  const pool = memoryRegion({ address: 4096, slotCount: 8, slotSize: 2048, blockSize: 8 * 2048, slotFirst: 0 });
  slots.attach(pool.region);
  const sends = new Sends(8);
  const sender = { sendsMax: 8, piecesMax: 64, to: () => undefined, piece: () => undefined, send: () => undefined };
  const output = new Output({ id: 1, fd: 5, counter: 1 });
  const rule = new OutputRule(1, [output]);
  const batch = { sender, sends, slots, stamper: noStamper };
  /** One more datagram in the backlog. */
  const put = (slot: number) => {
    slots.take(slot, 64, 100, 0, 1, 1);
    rule.tie(slots, slot, 1);
    enter(counters, output, 1);
    if (output.cursor === -1) output.cursor = slot;
  };
  /** Sends `count` datagrams in one, and completes it. */
  const send = (count: number, result: number) => {
    const index = sends.take(output);
    sends.queue(sender, index, 5, count, 0, count, count);
    sends.endChain(sender);
    complete(batch, counters, index, result, 77);
  };
  const of = (field: keyof typeof outputField) => counters[outputFirst + outputSize + outputField[field]];
  return { counters, output, batch, put, send, of };
}

test("a send moves its datagrams out of flight and is counted by its size", () => {
  const { counters, put, send } = lab();
  for (const slot of [0, 1, 2]) put(slot);
  expect(counters[counter.inFlight]).toBe(3);
  send(3, 300);
  expect([counters[counter.inFlight], counters[counter.sent]]).toEqual([0, 3]);
  // Up to 1, up to 2, up to 4.
  expect([...counters.slice(batchFirst, batchFirst + batchCount)]).toEqual([0, 0, 1, 0, 0, 0, 0, 0]);
});

test("a refusal is counted at its output by errno, with the moment of the last, before and after it is final", () => {
  const { counters, put, send, of } = lab();
  put(0);
  send(1, -ECONNREFUSED);
  expect([of("failed"), of("lastErrno"), of("lastErrnoNs"), counters[counter.inFlight]]).toEqual([
    0,
    ECONNREFUSED,
    77,
    1,
  ]);
  send(1, -EHOSTUNREACH);
  expect([of("failed"), of("lastErrno"), counters[counter.inFlight]]).toEqual([1, EHOSTUNREACH, 0]);
  const first = outputFirst + outputSize + outputErrnoFirst;
  expect([...counters.slice(first, first + 4)]).toEqual([ECONNREFUSED, 1, EHOSTUNREACH, 1]);
});

test("errnos beyond the places there are count together", () => {
  const { put, send, of } = lab();
  for (const code of [1, 2, 3, 4, 111, 113]) {
    put(0);
    send(1, -code);
    send(1, -code);
  }
  expect([of("failed"), of("refusedOther")]).toEqual([6, 4]);
});

test("what is dropped has a reason, and leaves flight only if it had entered", () => {
  const { counters, output, batch, put, of } = lab();
  lose(counters, output, 4, "droppedPending");
  put(0);
  put(1);
  discard(batch, counters, output);
  expect([of("dropped"), of("droppedPending"), of("droppedRemoved"), of("droppedFull")]).toEqual([6, 4, 2, 0]);
  expect([counters[counter.dropped], counters[counter.inFlight]]).toEqual([6, 0]);
});
