import { expect, test } from "bun:test";
import { OutputSockets } from "../../src/worker/output-sockets.ts";

function lab() {
  const closed: number[] = [];
  return { closed, sockets: new OutputSockets((fd) => closed.push(fd)) };
}

test("a socket that an output claims is that output's alone", () => {
  const { sockets, closed } = lab();
  expect(sockets.arrive([5], [10])).toBeUndefined();
  expect(sockets.find(5)).toBe(10);
  expect([sockets.claim(5), sockets.claim(5)]).toEqual([10, -1]);
  sockets.sweep();
  expect(closed).toEqual([]);
  expect(sockets.find(5)).toBeUndefined();
});

test("what the order did not take is closed behind it", () => {
  const { sockets, closed } = lab();
  sockets.arrive([5, 6], [10, 11]);
  sockets.claim(6);
  sockets.sweep();
  expect(closed).toEqual([10]);
});

// A change taken back: the output of number 5 is still on its way out with socket 10 when 5 is announced again, as socket 12.
test("a number that is announced again brings a socket of its own, whatever became of the first", () => {
  const { sockets, closed } = lab();
  sockets.arrive([5], [10]);
  sockets.claim(5);
  sockets.sweep();
  sockets.arrive([5], [12]);
  expect(sockets.find(5)).toBe(12);
  sockets.claim(5);
  expect(closed).toEqual([]);
});

test("announced twice before anyone claims it, the first is closed", () => {
  const { sockets, closed } = lab();
  sockets.arrive([5], [10]);
  sockets.arrive([5], [12]);
  expect(closed).toEqual([10]);
  expect(sockets.find(5)).toBe(12);
});

test("when fewer arrive than were announced, none is kept", () => {
  const { sockets, closed } = lab();
  expect(sockets.arrive([5, 6], [10])).toBe("2 sockets were announced, 1 arrived");
  expect(closed).toEqual([10]);
  expect(sockets.find(5)).toBeUndefined();
});
