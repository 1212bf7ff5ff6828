import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { egress, ingress } from "../../../src/relay/counters.ts";
import { accountsOf, judge } from "../../../src/supervise/counters/accounts.ts";
import { Page } from "../../../src/supervise/counters/pages.ts";

const even: readonly (readonly [number, number])[] = [
  [ingress.frames, 12],
  [ingress.matched, 10],
  [ingress.noMatch, 2],
  [ingress.datagrams, 10],
  [egress.taken, 10],
  [egress.datagrams, 20],
  [egress.sent, 17],
  [egress.failed, 1],
  [egress.dropped, 2],
];

function pageOf(...more: readonly (readonly [number, number])[]): Page {
  const page = Page.open("mcr-test-accounts");
  for (const [at, value] of [...even, ...more]) page.put(at, value);
  return page;
}

test("an even page holds at once", async () => {
  const accounts = await accountsOf(pageOf(), 3);
  expect(accounts.map(({ worker, name, difference, holds }) => ({ worker, name, difference, holds }))).toEqual([
    { worker: 3, name: "frames", difference: 0, holds: true },
    { worker: 3, name: "queue", difference: 0, holds: true },
    { worker: 3, name: "outputs", difference: 0, holds: true },
  ]);
});

test("a frame without a verdict, a datagram from nowhere and one that vanished are found", () => {
  const found = (...more: readonly (readonly [number, number])[]) =>
    judge(pageOf(...more).copy(0, 128), 0)
      .filter(({ holds }) => !holds)
      .map(({ name, difference }) => [name, difference]);
  expect(found([ingress.frames, 12 + limits.turnFramesMax + 1])).toEqual([["frames", limits.turnFramesMax + 1]]);
  expect(found([egress.taken, 11])).toEqual([["queue", -1]]);
  const moving = limits.sendsMax * limits.sendPiecesMax;
  expect(found([egress.datagrams, 20 + moving + 1])).toEqual([["outputs", moving + 1]]);
});

test("what waits in the queue of a worker that does nothing is unaccounted for", async () => {
  const accounts = await accountsOf(pageOf([egress.taken, 7]), 0);
  expect(accounts.find(({ name }) => name === "queue")).toMatchObject({ difference: 3, holds: false });
});

test("a moment in which nothing moves is waited for", async () => {
  const page = pageOf([egress.sent, 15]);
  setTimeout(() => page.put(egress.sent, 17), 50);
  const accounts = await accountsOf(page, 0);
  expect(accounts.every(({ difference }) => difference === 0)).toBe(true);
});
