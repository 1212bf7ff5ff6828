// Rules that map many addresses: where each datagram goes, in which order, and what happens when flows have no room.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Aim } from "../../src/relay/aim.ts";
import { counterCount } from "../../src/relay/counters.ts";
import { Egress } from "../../src/relay/egress.ts";
import { regionOrder } from "../../src/relay/ingress.ts";
import { Queue, queueMemory } from "../../src/relay/queue.ts";
import { Sends } from "../../src/relay/sends.ts";
import { headerPlace } from "../../src/relay/stamp.ts";
import { prove } from "../helpers/prove.ts";
import { KernelRing } from "../helpers/ring-lab.ts";

const serial = 7;
const slotCount = 64;
const payloadOffset = 96 + 20 + 8;
const sendsMax = 32;

/** A datagram by what it is sent to: the last byte of 239.1.0.X, and a port. */
type Arrival = { host: number; port: number; size: number };
/** What left in one send: by which socket, where to, and which slots it held. */
type Left = { fd: number; address: number; port: number; slots: number[] };

/** Egress with one rule that maps onto 239.9.0.0/16 and port + 1000 by two sockets, and a kernel that takes everything. */
function lab(flowOutputsMax: number) {
  const ring = new KernelRing(slotCount);
  const memory = queueMemory(slotCount * 4);
  const queue = new Queue(memory, "producer");
  const places = new Map<number, { address: number; port: number }>();
  const pieces = new Map<number, number[]>();
  const under: { token: number; bytes: number }[] = [];
  const left: Left[] = [];
  const closed: number[] = [];
  const sender = {
    sendsMax,
    piecesMax: 64,
    to: (index: number, address: number, port: number) => {
      places.set(index, { address, port });
    },
    piece: (index: number, piece: number, address: number) => {
      pieces.set(index, [...(pieces.get(index) ?? []).slice(0, piece), address]);
    },
    send: (index: number, fd: number, _pieces: number, _segment: number, token: number) => {
      const { address, port } = places.get(index) ?? { address: 0, port: 0 };
      const slots = (pieces.get(index) ?? []).map((each) =>
        ring.region.slotOffsets.indexOf(each - 2 ** 33 - payloadOffset),
      );
      left.push({ fd, address, port, slots });
      under.push({ token, bytes: 1 });
    },
  };
  const room = new ArrayBuffer(sendsMax * headerPlace);
  const headers = { address: 0, u8: new Uint8Array(room), u16: new Uint16Array(room), u32: new Uint32Array(room) };
  const egress = new Egress({
    ...{ counters: new Float64Array(counterCount), sender, sends: new Sends(sendsMax), flowOutputsMax },
    queue: new Queue(memory, "consumer"),
    stamper: { memory: headers, onesSum: () => 0 },
    regionOpen: () => ring.region,
    regionClosed: () => undefined,
    socketClosed: (fd) => closed.push(fd),
  });
  queue.put(regionOrder.attach, 0, 0, 0);
  queue.publish();
  egress.step(16, 0);
  const mapping = { group: 0xef090000, groupBits: 16, port: 1000, isOffset: true };
  const outputs = [
    { id: 1, fd: 11, counter: 0, mapping },
    { id: 2, fd: 12, counter: 1, mapping },
  ];
  egress.setRule(serial, outputs);
  let slot = 0;
  const arrive = ({ host, port, size }: Arrival): boolean => {
    if (
      !ring.arrive({
        payloadSize: size,
        edits: [
          [16, 4, (0xef010000 | host) >>> 0],
          [22, 2, port],
        ],
      })
    ) {
      return false;
    }
    queue.put(slot, serial, (payloadOffset << 16) | size, 1);
    queue.publish();
    slot = (slot + 1) % slotCount;
    return true;
  };
  /** The `which`-th of the sends under way is done, or refused because the socket is full. */
  const complete = (which: number, isFull: boolean) => {
    const [done] = under.splice(which % Math.max(1, under.length), 1);
    if (done !== undefined) egress.completed(done.token, isFull ? -11 : done.bytes, 0);
  };
  return { egress, outputs, arrive, complete, left, closed, hasSends: () => under.length > 0, ring };
}

const arrival: fc.Arbitrary<Arrival> = fc.record({
  host: fc.integer({ min: 1, max: 6 }),
  port: fc.integer({ min: 5000, max: 5003 }),
  size: fc.constantFrom(20, 20, 20, 50),
});
const word = (bytes: readonly number[]) => new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true);

test.each([
  [64, "with room for every flow"],
  [8, "with room for four flows of two outputs"],
  [1, "without room for any"],
])(
  "%d: every datagram leaves once by each socket, to its own place, in the order of its flow, %s",
  (flowOutputsMax) => {
    const steps = fc.array(fc.oneof({ weight: 3, arbitrary: fc.array(arrival, { maxLength: 12 }) }, fc.nat(40)), {
      maxLength: 40,
    });
    prove(
      fc.property(steps, (taken) => {
        const { egress, arrive, complete, left, hasSends } = lab(flowOutputsMax);
        const came: Arrival[] = [];
        const numbers = new Map<number, number>();
        for (const each of taken) {
          if (typeof each === "number") {
            complete(each, false);
          } else {
            for (const one of each) {
              const slot = came.length % slotCount;
              if (came.length < slotCount && arrive(one)) {
                numbers.set(slot, came.length);
                came.push(one);
              }
            }
          }
          egress.step(64, 1);
          expect(egress.known.flowOutputs).toBeLessThanOrEqual(flowOutputsMax);
        }
        for (let turn = 0; turn < 400 && (hasSends() || egress.hasSends || !egress.isDrained); turn++) {
          complete(turn, false);
          egress.step(64, turn);
        }
        expect(egress.isDrained).toBe(true);
        for (const fd of [11, 12]) {
          const byFlow = new Map<string, number[]>();
          for (const send of left.filter((each) => each.fd === fd)) {
            for (const slot of send.slots) {
              const { host, port } = came[slot] ?? { host: 0, port: 0 };
              // Network order, as it lies in memory.
              expect(send.address).toBe(word([239, 9, 0, host]));
              expect(send.port).toBe((((port + 1000) & 0xff) << 8) | ((port + 1000) >> 8));
              byFlow.set(`${host}:${port}`, [...(byFlow.get(`${host}:${port}`) ?? []), slot]);
            }
          }
          const all = [...byFlow.values()];
          expect(all.flat().toSorted((a, b) => a - b)).toEqual(came.map((_, at) => at));
          expect(all.every((slots) => slots.every((slot, at) => at === 0 || slot > (slots[at - 1] ?? 0)))).toBe(true);
        }
      }),
      300,
    );
  },
);

test("a socket is closed with the last flow of its output, and flows of an output that stays lose nothing", () => {
  const { egress, outputs, arrive, complete, left, closed, hasSends } = lab(64);
  for (const host of [1, 2, 3]) arrive({ host, port: 5000, size: 20 });
  egress.step(64, 0);
  egress.setRule(serial, outputs.slice(0, 1));
  arrive({ host: 1, port: 5000, size: 20 });
  expect(closed).toEqual([]);
  for (let turn = 0; turn < 50; turn++) {
    complete(0, false);
    egress.step(64, turn);
  }
  expect([hasSends(), egress.isDrained, closed]).toEqual([false, true, [12]]);
  expect(
    left
      .filter(({ fd }) => fd === 11)
      .flatMap(({ slots }) => slots)
      .toSorted(),
  ).toEqual([0, 1, 2, 3]);
  egress.removeRule(serial);
  expect(closed).toEqual([12, 11]);
  expect(egress.known.flowOutputs).toBe(0);
});

test("what is mapped keeps the rest of its address and goes to one port, or to its own and something more", () => {
  const fixed = new Aim({ group: 0x0a010200, groupBits: 24, port: 7000, isOffset: false });
  expect(fixed.addressOf(word([239, 1, 1, 77]))).toBe(word([10, 1, 2, 77]));
  expect([fixed.portOf(1), fixed.isByPort]).toEqual([((7000 & 0xff) << 8) | (7000 >> 8), false]);
  const one = new Aim({ group: 0xef010101, groupBits: 32, port: -10, isOffset: true });
  expect(one.addressOf(word([1, 2, 3, 4]))).toBe(word([239, 1, 1, 1]));
  expect(one.portOf(266)).toBe(256 >> 8);
});
