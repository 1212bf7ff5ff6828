import { expect, test } from "bun:test";
import fc from "fast-check";
import { limits } from "../../src/limits.ts";
import { Capture } from "../../src/relay/capture.ts";
import {
  ingress as counter,
  counterCount,
  linkField,
  linkFirst,
  linkSize,
  type RefusalName,
  refusal,
  refusedFirst,
  ruleField,
  ruleFirst,
  ruleSize,
} from "../../src/relay/counters.ts";
import { Ingress, regionOrder } from "../../src/relay/ingress.ts";
import { LargeSlots } from "../../src/relay/large.ts";
import { MatchTable } from "../../src/relay/match.ts";
import { Queue, queueMemory } from "../../src/relay/queue.ts";
import { plainSlot, slotAddresses, wholeFrame } from "../helpers/capture-slot.ts";
import { exactly } from "../helpers/match-rule.ts";
import { prove } from "../helpers/prove.ts";
import { onesSum } from "../helpers/reference.ts";
import { KernelRing, memoryRegion } from "../helpers/ring-lab.ts";

const largeFirst = 10_000;
const captureFd = 7;
const swapped = new DataView(Uint32Array.of(slotAddresses.destination).buffer).getUint32(0, false);
const rule = { serial: 5, counter: 3, destinationWord: swapped, portAndProtocol: (17 << 16) | 5004, sourceWord: 0 };

/** One capture ring of `slotCount` slots, ingress behind it, and the queue's far end. */
function lab(slotCount = 8, queueSize = 1024, largeCount = 2) {
  const counters = new Float64Array(counterCount);
  const memory = queueMemory(queueSize);
  const ring = new KernelRing(slotCount);
  const pool = memoryRegion({
    address: 2 ** 34,
    slotCount: largeCount,
    slotSize: 66 * 1024,
    blockSize: 66 * 1024,
    slotFirst: largeFirst,
  });
  const reads: number[] = [];
  const large = new LargeSlots(pool.region, (fd, address, size) => {
    expect(fd).toBe(captureFd);
    reads.push(size);
    return ring.receive(pool.bytes, address - 2 ** 34, size);
  });
  let wakes = 0;
  const wake = () => {
    wakes++;
  };
  const sum = (address: number, size: number) => {
    const [bytes, base] = address >= 2 ** 34 ? [pool.bytes, 2 ** 34] : [ring.bytes, 2 ** 33];
    const value = onesSum(bytes.subarray(address - base, address - base + size));
    return ((value & 0xff) << 8) | (value >> 8);
  };
  const ingress = new Ingress({ counters, queue: new Queue(memory, "producer"), onesSum: sum, large, wake });
  const capture = new Capture(1, captureFd, ring.region, 2, 0);
  capture.rules = new MatchTable([exactly(rule)]);
  const consumer = new Queue(memory, "consumer");
  ingress.attach(capture, 0);
  consumer.taken(1);
  return {
    counters,
    ring,
    pool,
    ingress,
    capture,
    consumer,
    reads,
    wakes: () => wakes,
    refused: (name: RefusalName) => counters[refusedFirst + refusal[name] - 1],
    link: (field: keyof typeof linkField) => counters[linkFirst + 2 * linkSize + linkField[field]],
    /** What egress would take: slots and sizes. */
    take: () => {
      const entries = Array.from({ length: consumer.depth() }, (_, at) => ({
        slot: consumer.word(at, 0),
        serial: consumer.word(at, 1),
        offset: consumer.word(at, 2) >>> 16,
        size: consumer.word(at, 2) & 0xffff,
        segment: consumer.word(at, 3) >>> 16,
        count: consumer.word(at, 3) & 0xffff,
      }));
      consumer.taken(entries.length);
      return entries;
    },
  };
}

test("a wanted frame goes to the queue, and its slot stays ours until egress gives it back", () => {
  const { ring, ingress, take, counters, link } = lab();
  ring.arrive({ payloadSize: 77 });
  expect(ingress.step(100, 42)).toBe(1);
  expect(take()).toEqual([{ slot: 0, serial: 5, offset: 96 + 28, size: 77, segment: 0, count: 1 }]);
  expect(ring.region.status(0) & 1).toBe(1);
  expect(ingress.step(100, 43)).toBe(0);
  const at = ruleFirst + 3 * ruleSize;
  expect(counters[at + ruleField.bytes]).toBe(77);
  expect(counters[at + ruleField.datagrams]).toBe(1);
  expect(counters[at + ruleField.lastSeenNs]).toBe(42);
  expect([link("frames"), link("readSlot"), link("lastSeenNs")]).toEqual([1, 1, 42]);
});

test("what is refused or unwanted is counted by name and goes straight back to the kernel", () => {
  const { ring, ingress, take, refused, counters, link } = lab();
  ring.arrive({ status: 1 | 16, vlanTci: 600 });
  ring.arrive({ udpSumError: 1 });
  ring.arrive({ protocol: 50 });
  ring.arrive();
  expect(ingress.step(100, 0)).toBe(4);
  expect(take()).toHaveLength(1);
  expect([refused("vlan"), refused("udp_checksum"), counters[counter.noMatch]]).toEqual([1, 1, 1]);
  expect([link("tagged"), link("lastVlan")]).toEqual([1, 600]);
  expect([0, 1, 2, 3].map((slot) => ring.region.status(slot) & 1)).toEqual([0, 0, 0, 1]);
});

test("slots that egress still holds are not taken for new frames when the ring comes around", () => {
  const { ring, ingress, take } = lab(4);
  for (let at = 0; at < 6; at++) ring.arrive();
  expect(ring.drops).toBe(2);
  expect(ingress.step(100, 0)).toBe(4);
  expect(ingress.step(100, 0)).toBe(0);
  const [first, second] = take();
  ring.region.release(first?.slot ?? -1);
  ring.arrive({ payloadSize: 11 });
  expect(ingress.step(100, 0)).toBe(1);
  expect(take().map(({ slot, size }) => [slot, size])).toEqual([[0, 11]]);
  // The next one is still held: the kernel drops, and we see nothing.
  expect(ring.arrive()).toBe(false);
  expect(ingress.step(100, 0)).toBe(0);
  expect(second?.slot).toBe(1);
});

test("under any order of arrivals, turns and releases each frame that was not dropped is seen once, in order", () => {
  prove(
    fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(9)), { maxLength: 150 }), (steps) => {
      const { ring, ingress, take } = lab(5);
      const held: number[] = [];
      const sizes: number[] = [];
      let arrived = 0;
      for (const [what, count] of steps) {
        for (let each = 0; each <= count; each++) {
          if (what === 0 && ring.arrive({ payloadSize: arrived % 400 })) arrived++;
          if (what === 1 && held.length > 0) ring.region.release(held.splice((count * 7) % held.length, 1)[0] ?? -1);
        }
        if (what === 2) {
          ingress.step(1 + count, 0);
          const taken = take();
          held.push(...taken.map(({ slot }) => slot));
          sizes.push(...taken.map(({ size }) => size));
        }
      }
      ingress.step(100, 0);
      sizes.push(...take().map(({ size }) => size));
      expect(sizes).toEqual(Array.from({ length: arrived }, (_, at) => at % 400));
    }),
    1_000,
  );
});

test("a super-frame that outgrows its slot is read whole into a large slot, and the small one goes back at once", () => {
  const { ring, ingress, take, counters, pool } = lab();
  ring.arrive({ payloadSize: 5000, gsoType: 5, gsoSize: 1000, status: 1 | 8 });
  ring.arrive({ payloadSize: 10 });
  expect(ingress.step(100, 0)).toBe(2);
  const [large, small] = take();
  expect(large).toEqual({ slot: largeFirst, serial: 5, offset: 128 + 28, size: 5000, segment: 1000, count: 5 });
  expect(small).toMatchObject({ slot: 1, size: 10 });
  expect([ring.region.status(0) & 1, ring.region.status(1) & 1]).toEqual([0, 1]);
  expect(pool.bytes[(large?.offset ?? 0) + 4321]).toBe(((28 + 4321) * 31) & 0xff);
  expect(counters[counter.superFrames]).toBe(1);
  expect(counters[ruleFirst + 3 * ruleSize + ruleField.datagrams]).toBe(6);
});

test("large frames that are refused or find no large slot are taken off the socket's queue too, so that the rest fits its heads", () => {
  const { ring, ingress, take, refused, pool } = lab(8, 1024, 1);
  ring.arrive({ payloadSize: 3000 });
  ring.arrive({ payloadSize: 3001, ipSumError: 1 });
  ring.arrive({ payloadSize: 3002 });
  expect(ingress.step(100, 0)).toBe(3);
  expect(take().map(({ size }) => size)).toEqual([3000]);
  expect(refused("large_slots_full")).toBe(2);
  pool.region.release(0);
  ring.arrive({ payloadSize: 3003, udpSumError: 1 });
  ring.arrive({ payloadSize: 3004 });
  ingress.step(100, 0);
  expect(refused("udp_checksum")).toBe(1);
  expect(take().map(({ size }) => size)).toEqual([3004]);
  expect(ring.socketQueue).toEqual([]);
  expect([0, 1, 2, 3, 4].map((slot) => ring.region.status(slot) & 1)).toEqual([0, 0, 0, 0, 0]);
});

test("a frame with a link header that cannot be is not written before its large slot", () => {
  const { ring, ingress, take, pool, reads } = lab();
  ring.arrive({ payloadSize: 3000 });
  // tp_mac: as if 92 bytes of link header stood before the IP header.
  new DataView(ring.bytes.buffer).setUint16(12, 4, true);
  pool.bytes.fill(0x77);
  pool.bytes.fill(0, 0, 4);
  pool.bytes.fill(0, 66 * 1024, 66 * 1024 + 4);
  ingress.step(100, 0);
  expect(take()).toEqual([]);
  expect(reads).toEqual([0]);
  expect(pool.bytes.subarray(4, 66 * 1024).every((byte) => byte === 0x77)).toBe(true);
});

test("a frame lost from the socket's queue is refused by name, not taken from an old one", () => {
  const { ring, ingress, take, refused } = lab();
  ring.arrive({ payloadSize: 3000 });
  ring.socketQueue.length = 0;
  expect(ingress.step(100, 0)).toBe(1);
  expect(take()).toEqual([]);
  expect(refused("large_slots_full")).toBe(1);
});

test.each([
  ["an error of its link", 0, [-100]],
  ["frames whose heads nobody reads any more", 3, []],
  ["both", 2, [-100]],
])(
  "what stands on the socket's queue before a large frame (%s) shifts no frame to another's head",
  (_, stale, said) => {
    const { ring, ingress, take } = lab();
    for (let at = 0; at < stale; at++) ring.socketQueue.push(wholeFrame({ ...plainSlot, payloadSize: 3000 + at }));
    ring.socketErrors.push(...said);
    const sizes = [3000, 3000, 4000, 3001];
    for (const [at, payloadSize] of sizes.entries())
      ring.arrive({ payloadSize, fragmentWord: at % 2 === 0 ? 0 : 0x4000 });
    expect(ingress.step(100, 0)).toBe(sizes.length);
    // The pool has room for two.
    expect(take().map(({ size }) => size)).toEqual([3000, 3000]);
    expect(ring.socketQueue).toEqual([]);
  },
);

test("when egress is behind, frames stay in the ring, and orders about regions still find room", () => {
  const { ring, ingress, take, counters, consumer } = lab(700, 512);
  for (let at = 0; at < 700; at++) ring.arrive();
  const room = 512 - (2 * limits.regionsMax + 1);
  expect(ingress.step(1_000, 0)).toBe(room);
  expect(counters[counter.queueFull]).toBe(1);
  for (let each = 0; each < limits.regionsMax; each++) {
    ingress.announce(regionOrder.attach, each);
    ingress.announce(regionOrder.detach, each);
  }
  ingress.announce(regionOrder.end, 0);
  expect(consumer.depth()).toBe(512);
  expect(take().filter(({ serial }) => serial === 5)).toHaveLength(room);
  expect(ingress.step(1_000, 0)).toBe(700 - room);
});

test("a turn takes no more than its budget, and every ring has its turn first", () => {
  const { ring, ingress, take, counters } = lab(64);
  const other = new KernelRing(64, 2_000);
  const capture = new Capture(2, 8, other.region, 3, 0);
  capture.rules = new MatchTable([exactly(rule)]);
  ingress.attach(capture, 1);
  for (let at = 0; at < 20; at++) {
    ring.arrive();
    other.arrive();
  }
  take();
  const firsts = [0, 1, 2, 3].map(() => {
    expect(ingress.step(5, 0)).toBe(5);
    return (take()[0]?.slot ?? 0) >= 2_000;
  });
  expect(firsts.filter((isOther) => isOther)).toHaveLength(2);
  expect(counters[counter.frames]).toBe(20);
});

test("egress is woken once a sleep, and only when something was put", () => {
  const { ring, ingress, take, consumer, wakes, counters } = lab();
  take();
  expect(consumer.fallAsleep()).toBe(true);
  ingress.step(100, 0);
  expect(wakes()).toBe(0);
  ring.arrive();
  ring.arrive();
  ingress.step(100, 0);
  ring.arrive();
  ingress.step(100, 0);
  expect(wakes()).toBe(1);
  expect(counters[counter.wakeupsWritten]).toBe(1);
});

test("a capture that is detached is left alone, and egress hears of it behind its last datagram", () => {
  const { ring, ingress, take } = lab();
  ring.arrive();
  ingress.step(100, 0);
  ingress.detach(1, 0);
  ring.arrive();
  expect(ingress.step(100, 0)).toBe(0);
  expect(take().map(({ slot, serial, offset, size }) => [slot, serial, (offset << 16) | size])).toEqual([
    [0, 5, ((96 + 28) << 16) | 100],
    [regionOrder.detach, 0, 0],
  ]);
  expect(() => ingress.detach(1, 0)).toThrow("only what was attached is detached");
});
