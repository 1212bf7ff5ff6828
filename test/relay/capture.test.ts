import { expect, test } from "bun:test";
import { Capture } from "../../src/relay/capture.ts";
import { counterCount, linkField, linkFirst } from "../../src/relay/counters.ts";
import { KernelRing } from "../helpers/ring-lab.ts";

const readSlot = linkFirst + linkField.readSlot;

test("a successor goes on where the dead one read, gives back what it held, and takes what it had not seen", () => {
  const counters = new Float64Array(counterCount);
  const ring = new KernelRing(8);
  for (let at = 0; at < 6; at++) ring.arrive({ payloadSize: at });
  const dead = new Capture(1, 7, ring.region, 0, 0);
  for (let at = 0; at < 4; at++) dead.take(counters);
  ring.region.release(1);

  const successor = new Capture(1, 7, ring.region, 0, counters[readSlot] ?? -1);
  expect(successor.position).toBe(4);
  expect(successor.releaseTaken()).toBe(3);
  expect([0, 1, 2, 3, 4, 5].map((slot) => ring.region.status(slot) & 1)).toEqual([0, 0, 0, 0, 1, 1]);
  expect(successor.arrived()).toBe(1);
  successor.take(counters);
  successor.take(counters);
  expect(successor.arrived()).toBe(0);
  for (let at = 0; at < 6; at++) expect(ring.arrive()).toBe(true);
  let seen = 0;
  while (successor.arrived() !== 0) {
    successor.take(counters);
    seen++;
  }
  expect(seen).toBe(6);
});

test("a fresh ring has nothing to give back", () => {
  const ring = new KernelRing(4);
  ring.arrive();
  expect(new Capture(1, 7, ring.region, 0, 0).releaseTaken()).toBe(0);
});

test("a read position of a larger ring begins inside this one", () => {
  expect(new Capture(1, 7, new KernelRing(4).region, 0, 9).position).toBe(1);
});

test("the kernel's other status bits change nothing: losing frames is not copying, and neither is a tag", () => {
  const ring = new KernelRing(4);
  ring.arrive({ status: 1 | 4 | 16 | 64 });
  const capture = new Capture(1, 7, ring.region, 0, 0);
  expect(capture.arrived()).toBe(1 | 4 | 16 | 64);
  expect(capture.isCopied(capture.arrived())).toBe(false);
  expect(capture.isCopied(1 | 2)).toBe(true);
});
