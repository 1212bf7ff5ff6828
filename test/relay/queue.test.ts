import { expect, test } from "bun:test";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { entryWords, Queue, queueMemory } from "../../src/relay/queue.ts";
import { prove } from "../helpers/prove.ts";

/** Both ends of a queue whose positions stand at `position`, as they do after so many entries. */
function ends(capacity: number, position = 0): { producer: Queue; consumer: Queue; memory: SharedArrayBuffer } {
  const memory = queueMemory(capacity);
  const words = new Int32Array(memory);
  // Head and tail, each at the beginning of a cache line.
  words[0] = position;
  words[16] = position;
  return { producer: new Queue(memory, "producer"), consumer: new Queue(memory, "consumer"), memory };
}

const start = fc.constantFrom(0, 0x7fff_fff0, -0x8000_0000 + 1, -3, 0x7fff_ffff);

test("hands entries on in order, whole, whatever the two sides do when, also where positions wrap around", () => {
  prove(
    fc.property(start, fc.array(fc.tuple(fc.nat(4), fc.nat(9)), { maxLength: 200 }), (position, steps) => {
      const { producer, consumer } = ends(8, position);
      const put: number[][] = [];
      let published = 0;
      let taken = 0;
      for (const [what, count] of steps) {
        if (what === 0) {
          for (let each = 0; each < count && put.length - taken < 8; each++) {
            const entry = [put.length, -put.length, put.length << 8, 0x7fff_ffff - put.length];
            expect(producer.hasRoom()).toBe(true);
            producer.put(entry[0] ?? 0, entry[1] ?? 0, entry[2] ?? 0, entry[3] ?? 0);
            put.push(entry.map((word) => word | 0));
          }
        } else if (what === 1) {
          producer.publish();
          published = put.length;
        } else if (what === 2) {
          expect(producer.hasRoom()).toBe(put.length - taken < 8);
          expect(producer.hasRoom(3)).toBe(put.length - taken < 5);
        } else {
          expect(consumer.depth()).toBe(published - taken);
          const some = Math.min(count, published - taken);
          for (let ahead = 0; ahead < some; ahead++) {
            const entry = Array.from({ length: entryWords }, (_, word) => consumer.word(ahead, word));
            expect(entry).toEqual(put[taken + ahead] ?? []);
          }
          consumer.taken(some);
          taken += some;
        }
      }
    }),
    2_000,
  );
});

test("a side that comes later goes on where the queue stands", () => {
  const { producer, consumer, memory } = ends(4);
  for (let at = 1; at <= 3; at++) producer.put(at, 0, 0, 0);
  producer.publish();
  consumer.taken(1);
  const later = new Queue(memory, "consumer");
  expect(later.depth()).toBe(2);
  expect(later.word(0, 0)).toBe(2);
});

test("whoever puts while the other sleeps must wake it, once", () => {
  const { producer, consumer } = ends(4);
  producer.put(1, 0, 0, 0);
  producer.publish();
  expect(producer.mustWake()).toBe(false);
  consumer.taken(consumer.depth());
  expect(consumer.fallAsleep()).toBe(true);
  producer.put(2, 0, 0, 0);
  producer.publish();
  expect(producer.mustWake()).toBe(true);
  expect(producer.mustWake()).toBe(false);
});

test("what came between the last look and the sleep keeps the consumer awake", () => {
  const { producer, consumer } = ends(4);
  producer.put(1, 0, 0, 0);
  producer.publish();
  expect(consumer.fallAsleep()).toBe(false);
  // It says so, too: the producer need not wake who does not sleep.
  expect(producer.mustWake()).toBe(false);
});

test("a consumer that woke for another reason needs no wakeup", () => {
  const { producer, consumer } = ends(4);
  expect(consumer.fallAsleep()).toBe(true);
  consumer.awake();
  producer.put(1, 0, 0, 0);
  producer.publish();
  expect(producer.mustWake()).toBe(false);
});

test("entries that lay there while the consumer slept, with nobody woken for them, are counted as stranded", () => {
  const { producer, consumer } = ends(8, 0x7fff_fffe);
  const put = () => {
    producer.put(1, 0, 0, 0);
    producer.publish();
  };
  expect(consumer.fallAsleep()).toBe(true);
  put();
  // What a lost wakeup looks like: an entry is there, the consumer sleeps, and nobody was told. Two more strand with it.
  put();
  put();
  put();
  expect(producer.mustWake()).toBe(true);
  consumer.awake();
  expect(consumer.stranded).toBe(3);
});

test("nothing is stranded when each sleep is ended for the first entry after it, or by something else, however late", () => {
  const { producer, consumer } = ends(8, 0x7fff_fffe);
  for (let sleep = 0; sleep < 20; sleep++) {
    expect(consumer.fallAsleep()).toBe(true);
    if (sleep % 3 !== 0) {
      producer.put(1, 0, 0, 0);
      producer.publish();
      expect(producer.mustWake()).toBe(true);
      // The woken thread is not let in yet, and more comes.
      producer.put(2, 0, 0, 0);
      producer.publish();
      expect(producer.mustWake()).toBe(false);
    }
    consumer.awake();
    consumer.taken(consumer.depth());
  }
  expect(consumer.stranded).toBe(0);
});

test.each([0, 3, -4])("a capacity of %i is refused", (capacity) => {
  expect(() => queueMemory(capacity)).toThrow("power of two");
});

test("between two threads nothing is lost, doubled or out of order in 1,500,000 entries, and no sleep is slept through", async () => {
  const count = 1_500_000;
  const memory = ends(1024, 0x7fff_ffff - 700_000).memory;
  // An eventfd's part is played by one word: what is written is never lost, whoever waits sees it.
  const bell = new SharedArrayBuffer(8);
  const worker = new Worker(new URL("../fixtures/queue-producer.ts", import.meta.url).pathname, {
    workerData: { memory, bell, count, seed: 0x2545f491 },
  });
  const words = new Int32Array(bell);
  const consumer = new Queue(memory, "consumer");
  let next = 0;
  let sleeps = 0;
  let isWrong = false;
  while (next < count && !isWrong) {
    const depth = Math.min(consumer.depth(), 300);
    for (let ahead = 0; ahead < depth; ahead++) {
      const value = next + ahead;
      isWrong ||= consumer.word(ahead, 0) !== value || consumer.word(ahead, 3) !== (Math.imul(value, 31) | 0);
    }
    if (depth > 0) {
      consumer.taken(depth);
      next += depth;
      Atomics.store(words, 1, next);
      continue;
    }
    const rung = Atomics.load(words, 0);
    if (consumer.fallAsleep()) {
      sleeps++;
      // A wakeup that is lost shows as this wait running out.
      if (Atomics.wait(words, 0, rung, 5_000) === "timed-out") break;
      consumer.awake();
    }
  }
  await worker.terminate();
  expect(isWrong).toBe(false);
  expect(next).toBe(count);
  expect(sleeps).toBeGreaterThan(100);
  expect(consumer.stranded).toBe(0);
}, 60_000);
