import { expect, test } from "bun:test";
import type { Ring } from "../../src/shim/ring.ts";
import { run, type Side } from "../../src/worker/loop.ts";

/** What happens in turn: a turn of the side, a wait of the ring. Each may take time. */
type Happening = { at: "turn" | "wait"; ns: number; more?: boolean };

/** Runs a loop over one side and one ring that do what the script says, and tells what was asked of them. */
function play(script: readonly Happening[], { napUs = 0, isEmpty = true } = {}) {
  const left = [...script];
  const asked: string[] = [];
  const stalls: number[] = [];
  let now = 1_000_000;
  const next = (at: Happening["at"]) => {
    const happening = left.shift();
    if (happening !== undefined && happening.at !== at) throw new Error(`${at} where ${happening.at} was due`);
    now += happening?.ns ?? 0;
    return happening?.more === true;
  };
  const side: Side = {
    turn: () => next("turn"),
    hasSends: () => false,
    proceed: () => undefined,
    waitUs: () => 500,
    gatherUs: () => 64,
    napUs: () => napUs,
    completed: () => undefined,
    owns: () => false,
    isOver: () => left.length === 0,
  };
  const ring = {
    wait: (gatherUs: number, timeoutUs: number) => {
      asked.push(`wait ${gatherUs} ${timeoutUs}`);
      next("wait");
      return 0;
    },
  } as Pick<Ring, "wait"> as Ring;
  const sleep = {
    fallAsleep: () => {
      asked.push("fall asleep");
      return isEmpty;
    },
    awake: () => {
      asked.push("awake");
    },
  };
  run(ring, [side], sleep, { clockNs: () => now, stalled: (ns) => stalls.push(ns) });
  return { asked, stalls };
}

test("the longest stall is the longest time between two looks at the ring; a wait is none, however long", () => {
  const { stalls } = play([
    { at: "turn", ns: 3_000 },
    { at: "wait", ns: 900_000_000 },
    { at: "turn", ns: 2_000 },
    { at: "wait", ns: 0 },
    { at: "turn", ns: 70_000_000 },
    { at: "wait", ns: 400_000 },
    { at: "turn", ns: 5_000 },
    { at: "wait", ns: 0 },
  ]);
  expect(stalls).toEqual([3_000, 70_000_000]);
});

test("a loop with more to do looks without waiting, and what that look takes is part of its stall", () => {
  const { asked, stalls } = play([
    { at: "turn", ns: 1_000, more: true },
    { at: "wait", ns: 6_000 },
    { at: "turn", ns: 1_000 },
    { at: "wait", ns: 0 },
  ]);
  expect(asked).toEqual(["wait 0 0", "fall asleep", "wait 64 500", "awake"]);
  expect(stalls).toEqual([1_000, 7_000]);
});

test("a nap is a short wait for whatever comes, without the flag that asks for a wakeup", () => {
  const { asked } = play(
    [
      { at: "turn", ns: 1 },
      { at: "wait", ns: 1 },
    ],
    { napUs: 40 },
  );
  expect(asked).toEqual(["wait 0 40"]);
});

test("what came between the last look and the sleep is gone for at once", () => {
  const { asked } = play(
    [
      { at: "turn", ns: 1 },
      { at: "wait", ns: 1 },
    ],
    { isEmpty: false },
  );
  expect(asked).toEqual(["fall asleep", "wait 0 0"]);
});
