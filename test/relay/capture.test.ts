import { describe, expect, test } from "bun:test";
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
  expect(successor.resume()).toBe(3);
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

/** Stamps of the kernel, in nanoseconds, slot by slot. */
function stamp(ring: KernelRing, ...stamps: readonly number[]): void {
  for (const [slot, ns] of stamps.entries()) {
    const at = ((ring.region.slotOffsets[slot] ?? 0) + 16) >> 2;
    ring.region.views.u32[at] = Math.floor(ns / 1e9);
    ring.region.views.u32[at + 1] = ns % 1e9;
  }
}

describe("a worker that dies between noting its place and marking the slot", () => {
  /** Takes `taken` slots of a ring, the last one only halfway. */
  function diedTaking(ring: KernelRing, taken: number): Capture {
    const counters = new Float64Array(counterCount);
    const dead = new Capture(1, 7, ring.region, 0, 0);
    for (let at = 0; at + 1 < taken; at++) dead.take(counters);
    return new Capture(1, 7, ring.region, 0, taken);
  }

  test("leaves the frame to its successor, which goes on with those behind it, in order", () => {
    const ring = new KernelRing(8);
    for (let at = 0; at < 6; at++) ring.arrive();
    stamp(ring, 10, 20, 30, 40, 50, 60);
    const successor = diedTaking(ring, 4);
    expect(successor.resume()).toBe(3);
    expect(successor.position).toBe(3);
    const counters = new Float64Array(counterCount);
    let seen = 0;
    for (; successor.arrived() !== 0; seen++) successor.take(counters);
    expect(seen).toBe(3);
    expect(successor.position).toBe(6);
  });

  test("does so with the newest frame too, also where the ring begins again", () => {
    const ring = new KernelRing(4);
    for (let at = 0; at < 4; at++) ring.arrive();
    stamp(ring, 999_999_999, 1_000_000_000, 1_000_000_001, 1_000_000_002);
    ring.region.release(0);
    const successor = diedTaking(ring, 4);
    expect(successor.resume()).toBe(2);
    expect(successor.position).toBe(3);
  });

  test("is not what a full ring looks like, where the newest frame stands before the oldest", () => {
    const ring = new KernelRing(4);
    for (let at = 0; at < 4; at++) ring.arrive();
    const counters = new Float64Array(counterCount);
    const dead = new Capture(1, 7, ring.region, 0, 0);
    dead.take(counters);
    dead.take(counters);
    ring.region.release(0);
    ring.region.release(1);
    ring.arrive();
    ring.arrive();
    stamp(ring, 50, 60, 30, 40);
    const successor = new Capture(1, 7, ring.region, 0, counters[readSlot] ?? -1);
    expect(successor.resume()).toBe(0);
    expect(successor.position).toBe(2);
  });
});

test("a fresh ring has nothing to give back", () => {
  const ring = new KernelRing(4);
  ring.arrive();
  expect(new Capture(1, 7, ring.region, 0, 0).resume()).toBe(0);
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
