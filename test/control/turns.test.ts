import { expect, test } from "bun:test";
import { Turns } from "../../src/control/turns.ts";

test("a few a turn of the event loop, first commands before later ones, each in the order they came", async () => {
  const turns = new Turns();
  const order: string[] = [];
  let loops = 0;
  const count = () => {
    loops++;
    if (order.length < 40) setImmediate(count);
  };
  setImmediate(count);
  const wait = async (name: string, isFirst: boolean) => {
    await turns.next(isFirst);
    order.push(name);
  };
  const names = (kind: string) => Array.from({ length: 20 }, (_, at) => `${kind} ${at}`);
  await Promise.all([
    ...names("later").map((name) => wait(name, false)),
    ...names("first").map((name) => wait(name, true)),
  ]);
  expect(order).toEqual([...names("first"), ...names("later")]);
  // Forty commands are no single turn.
  expect(loops).toBeGreaterThanOrEqual(4);
});

test("an answer is shared by those whose question had come before it was begun, and by nobody else", async () => {
  const turns = new Turns();
  let made = 0;
  const make = async () => `answer ${++made}`;
  const ask = async () => turns.answer("GetStatus", await turns.next(true), make);
  const early = Array.from({ length: 20 }, ask);
  const first = await early[0];
  // In line while the others still are: but the answer was begun before this question came.
  const late = ask();
  expect([first, ...(await Promise.all(early.slice(1)))]).toEqual(Array(20).fill("answer 1"));
  expect(await late).toBe("answer 2");
  expect(await ask()).toBe("answer 3");
});
