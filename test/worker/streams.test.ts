import { afterEach, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync } from "node:fs";
import fc from "fast-check";
import { FrameReader, frame } from "../../src/base/frames.ts";
import { limits } from "../../src/limits.ts";
import { shim } from "../../src/shim/library.ts";
import { map, scratch } from "../../src/shim/memory.ts";
import type { NumberedOrder } from "../../src/worker/orders.ts";
import { Door, OrderStream, Reporter } from "../../src/worker/streams.ts";
import { prove } from "../helpers/prove.ts";

const stream = 1;
const message = 5;
const chunk = map(limits.doorMessageSizeMax);
const fdsPlace = map(1024);
const open: number[] = [];

afterEach(() => {
  for (const fd of open.splice(0)) shim.mcr_close(fd);
});

function pair(type: number): [near: number, far: number] {
  expect(shim.mcr_pair(scratch.pointer, type)).toBe(0);
  const ends: [number, number] = [scratch.i32[0] ?? -1, scratch.i32[1] ?? -1];
  open.push(...ends);
  return ends;
}

/** Writes `bytes` as the supervisor does, with descriptors beside them. */
function write(fd: number, bytes: Uint8Array, fds: readonly number[] = []): void {
  chunk.u8.set(bytes);
  for (const [at, each] of fds.entries()) fdsPlace.i32[at] = each;
  expect(shim.mcr_fds_send(fd, chunk.pointer, bytes.length, fdsPlace.pointer, fds.length)).toBe(bytes.length);
}

function end(fd: number): void {
  open.splice(open.indexOf(fd), 1);
  shim.mcr_close(fd);
}

const encoded = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const ping = (seq: number): NumberedOrder => ({ seq, order: { kind: "Ping" } });

test("orders arrive whole and in order, however the bytes are cut", () => {
  prove(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }),
      (count, cuts) => {
        const [near, far] = pair(stream);
        const orders = new OrderStream(far);
        const bytes = Buffer.concat(Array.from({ length: count }, (_, at) => frame(encoded(ping(at + 1)))));
        const seen: number[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const piece = bytes.subarray(at, at + cut);
          at += piece.length;
          if (piece.length > 0) write(near, piece);
          const read = orders.read();
          expect(read.end).toBeUndefined();
          seen.push(...read.orders.map(({ seq }) => seq));
        }
        expect(seen).toEqual(Array.from({ length: count }, (_, index) => index + 1));
        end(near);
        end(far);
      },
    ),
    200,
  );
});

test("a stream that ends between two orders ends plainly; one that ends inside an order says so", () => {
  const [near, far] = pair(stream);
  write(near, frame(encoded(ping(1))));
  end(near);
  const { orders, end: ended } = new OrderStream(far).read();
  expect(orders).toEqual([ping(1)]);
  expect(ended).toEqual({ ended: true });

  const [other, inside] = pair(stream);
  write(other, frame(encoded(ping(1))).subarray(0, 9));
  end(other);
  expect(new OrderStream(inside).read()).toEqual({
    orders: [],
    end: { ended: true, reason: "the stream ended inside an order" },
  });
});

test.each([
  ["a length beyond the limit", Uint8Array.of(0xff, 0xff, 0xff, 0xff), "longer than the limit"],
  ["what is no JSON", frame(new TextEncoder().encode("{")), "an order that cannot be read"],
  ["bytes that are no text", frame(Uint8Array.of(0xff, 0xfe, 0)), "an order that cannot be read"],
  ["an order of another kind", frame(encoded({ seq: 1, order: { kind: "Dance" } })), "an order that cannot be read"],
  ["an order without a number", frame(encoded({ order: { kind: "Ping" } })), "an order that cannot be read"],
  ["null", frame(encoded(null)), "an order that cannot be read"],
])("%s ends the stream and says why, after the orders before it", (_, bytes, reason) => {
  const [near, far] = pair(stream);
  write(near, Buffer.concat([frame(encoded(ping(1))), bytes]));
  const read = new OrderStream(far).read();
  expect(read.orders).toEqual([ping(1)]);
  expect(read.end?.reason).toContain(reason);
});

test("no bytes at all make a reader throw, hang or take more than it was told: it gives orders, or an end with a reason", () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 60 }).map((body) => frame(body)),
    fc.json().map((text) => frame(new TextEncoder().encode(text))),
    fc.integer({ min: 1, max: 9 }).map((seq) => frame(encoded(ping(seq)))),
  );
  prove(
    fc.property(fc.array(noise, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 80 })), (pieces, cuts) => {
      const [near, far] = pair(stream);
      const orders = new OrderStream(far);
      const bytes = Buffer.concat(pieces);
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const piece = bytes.subarray(at, at + cut);
        at += piece.length;
        if (piece.length > 0) write(near, piece);
        const { orders: read, end: ended } = orders.read();
        expect(read.every(({ seq }) => seq >= 1)).toBe(true);
        if (ended !== undefined) {
          expect(ended.reason).toMatch(/cannot be read|longer than the limit/);
          break;
        }
      }
      end(near);
      end(far);
    }),
    500,
  );
});

test("sockets that travel beside orders come in their order, and are the ones that were sent", () => {
  const [near, far] = pair(stream);
  const orders = new OrderStream(far);
  const files = ["/dev/null", "/dev/zero", "/dev/full"].map((path) => openSync(path, "r"));
  write(near, frame(encoded({ seq: 1, order: { kind: "Sockets", ids: [4, 5] } })), files.slice(0, 2));
  write(near, frame(encoded({ seq: 2, order: { kind: "Sockets", ids: [6] } })), files.slice(2));
  expect(orders.read().orders.map(({ seq }) => seq)).toEqual([1, 2]);
  open.push(...orders.sockets);
  expect(orders.sockets.map((fd) => fstatSync(fd).rdev)).toEqual(files.map((fd) => fstatSync(fd).rdev));
  for (const fd of files) closeSync(fd);
});

test("the door brings one message a read, and tells nothing, an end and nonsense apart", () => {
  const [near, far] = pair(message);
  const door = new Door(far);
  expect(door.next()).toBeUndefined();
  const capture = {
    kind: "capture",
    serial: 3,
    counter: 0,
    link: "in0",
    slotSize: 2048,
    blockSize: 4096,
    blockCount: 2,
  };
  write(near, encoded(capture), [near]);
  write(near, encoded({ kind: "place", worker: 8 }));
  const first = door.next();
  expect(first).toMatchObject({ message: capture });
  open.push(...(first !== undefined && "fds" in first ? first.fds : []));
  expect(door.next()).toMatchObject({ message: { kind: "place" }, fds: [] });
  write(near, encoded({ kind: "flood" }));
  expect(door.next()).toMatchObject({ ended: true, reason: expect.stringContaining("not understood") });
});

test("a door that is shut ends plainly", () => {
  const [near, far] = pair(message);
  end(near);
  expect(new Door(far).next()).toEqual({ ended: true });
});

test("reports wait for a supervisor that does not read, and come whole and in order when it does", () => {
  const [near, far] = pair(stream);
  const reporter = new Reporter(near);
  let said = 0;
  // Far more than a socket holds of such small writes.
  for (; said < 2_000; said++) reporter.done(said + 1, "ingress", "0:0", undefined);
  expect(reporter.isBehind).toBe(true);
  const reader = new FrameReader(limits.reportSizeMax);
  const into = map(65_536);
  const texts: string[] = [];
  while (texts.length < said) {
    const size = shim.mcr_read(far, into.pointer, 65_536);
    expect(size).toBeGreaterThan(0);
    const bodies = reader.push(into.u8.slice(0, size));
    if ("refused" in bodies) throw new Error(bodies.refused);
    texts.push(...bodies.map((body) => new TextDecoder().decode(body)));
    reporter.flush();
  }
  expect([reader.isBetween, reporter.isBehind]).toEqual([true, false]);
  expect(texts.map((text) => JSON.parse(text).seq)).toEqual(Array.from({ length: said }, (_, at) => at + 1));
  into.close();
});

test("a supervisor that never reads costs no endless memory: the worker gives up", () => {
  const [near] = pair(stream);
  const reporter = new Reporter(near);
  expect(() => {
    for (let seq = 1; seq < 100_000; seq++) reporter.done(seq, "ingress", "0:0", "x".repeat(500));
  }).toThrow("the supervisor reads what its worker reports");
});

test("a report with the longest error that can be still fits what the supervisor takes", () => {
  const [near, far] = pair(stream);
  new Reporter(near).done(1, "egress", "0:0", "\u0001".repeat(20_000));
  const into = map(65_536);
  const size = shim.mcr_read(far, into.pointer, 65_536);
  const bodies = new FrameReader(limits.reportSizeMax).push(into.u8.slice(0, size));
  expect(bodies).toHaveLength(1);
  into.close();
});
