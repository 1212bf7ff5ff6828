import { expect, test } from "bun:test";
import { errnoFirst } from "../../src/relay/counters.ts";
import { EgressLab, healthy } from "../helpers/egress-lab.ts";
import { errors, type Fault } from "../helpers/kernel.ts";

/** A lab with one region of 16 slots and rule 1 with `outputs` outputs. */
function lab(outputs = 1, slotCount = 16): EgressLab {
  const made = new EgressLab();
  made.attach(0, slotCount);
  made.setRule(
    1,
    Array.from({ length: outputs }, () => "new"),
  );
  made.step();
  return made;
}

/** Takes what was put, and lets the kernel run everything that waits. */
function turn(made: EgressLab, fault: Fault = healthy): void {
  made.publish();
  made.step();
  while (made.kernel.pendingCount > 0) made.run(0, fault);
  while (made.complete(0));
}

function put(made: EgressLab, count: number, size = 100, segment = 0, serial = 1): void {
  for (let at = 0; at < count; at++) {
    expect(made.put(0, serial, size, segment)).toBe(true);
  }
}

function sent(made: EgressLab, output = 0): number[] {
  return made.kernel.delivered.get(made.accounts[output]?.fd ?? -1) ?? [];
}

const onFd = (made: EgressLab, output: number, code: number): Fault => {
  return (fd) => (fd === made.accounts[output]?.fd ? code : 0);
};

test("what came to a rule leaves on each of its outputs, one send for many of one size", () => {
  const made = lab(3);
  put(made, 10);
  turn(made);
  made.checkSettled();
  expect([0, 1, 2].map((output) => sent(made, output).length)).toEqual([10, 10, 10]);
  expect(made.total("sends")).toBe(3);
  expect(made.total("sentBytes")).toBe(3000);
});

test("a batch ends with a shorter datagram, before a longer one, and never holds one without payload", () => {
  const made = lab();
  for (const size of [100, 100, 60, 100, 200, 0, 0, 100]) put(made, 1, size);
  turn(made);
  made.checkSettled();
  expect(sent(made)).toHaveLength(8);
  // 100 100 60 | 100 | 200 | 0 | 0 | 100
  expect(made.total("sends")).toBe(6);
});

test("a batch has at most 64 datagrams and 65,507 bytes", () => {
  const made = lab(1, 200);
  put(made, 130, 10);
  put(made, 3, 30_000);
  turn(made);
  made.checkSettled();
  expect(made.kernel.batchMax).toBe(64);
  expect(made.total("batchMax")).toBe(64);
  // 64 | 64 | 2 | 2 of 30,000 | 1
  expect(made.total("sends")).toBe(5);
});

test("an output that may not gather sends each datagram alone, in order", () => {
  const made = lab();
  made.setRule(2, ["new"], false);
  put(made, 5, 100, 0, 2);
  turn(made);
  made.checkSettled();
  expect(sent(made, 1)).toHaveLength(5);
  expect(made.total("sends")).toBe(5);
});

test("a super-frame leaves in one send, segmented as it came", () => {
  const made = lab();
  put(made, 1, 4300, 1000);
  turn(made);
  made.checkSettled();
  expect(sent(made)).toHaveLength(5);
  expect(made.total("sends")).toBe(1);
});

test.each([errors.EINVAL, errors.EIO, errors.EMSGSIZE])(
  "where the link does not segment (errno %i), a super-frame leaves datagram by datagram, none twice",
  (code) => {
    const made = lab(2);
    put(made, 1, 30_500, 1000);
    put(made, 20 - 5, 1000);
    made.settle((_, __, segment) => (segment > 0 ? code : 0));
    made.checkSettled();
    expect(sent(made)).toHaveLength(46);
    expect(sent(made, 1)).toHaveLength(46);
    // It was tried once an output (twice, where an ICMP message may have said it), and what it cannot do is not tried again.
    expect(made.counters[errnoFirst + code]).toBe(code === errors.EMSGSIZE ? 4 : 2);
    expect(made.total("failed")).toBe(0);
  },
);

test("a super-frame that goes apart goes on where it stopped when its socket fills up in between", () => {
  const made = lab();
  put(made, 1, 20_000, 1000);
  let tries = 0;
  made.settle((_, __, segment) => {
    tries++;
    return segment > 0 ? errors.EINVAL : tries % 4 === 0 ? errors.EAGAIN : 0;
  });
  made.checkSettled();
  expect(sent(made)).toHaveLength(20);
});

test("a super-frame of more datagrams than one send may carry leaves in several, and costs later ones nothing", () => {
  const made = lab();
  put(made, 1, 30_001, 1);
  made.settle();
  made.checkSettled();
  expect(sent(made)).toHaveLength(30_001);
  // 468 times 64, and 49.
  expect(made.total("sends")).toBe(469);
  put(made, 10, 1000);
  made.settle();
  expect(made.total("sends")).toBe(470);
});

test("one ICMP message that a datagram was too large does not end sends of many for good", () => {
  const made = lab();
  let count = 0;
  put(made, 10, 1000);
  made.settle(() => (count++ === 0 ? errors.EMSGSIZE : 0));
  made.checkSettled();
  expect([sent(made).length, made.total("sends"), made.total("failed")]).toEqual([10, 1, 0]);
});

test("an output that fails time and again is tried now and then only, holds little, and all it loses is failed", () => {
  const made = lab(2);
  let tries = 0;
  const refuse: Fault = (fd) => {
    const isBad = fd === made.accounts[0]?.fd;
    tries += isBad ? 1 : 0;
    return isBad ? errors.EPERM : 0;
  };
  for (let round = 0; round < 400; round++) {
    // Sizes that no send can take together.
    put(made, 1, 100 + round);
    turn(made, refuse);
    made.check();
    expect(made.egress.slots.held).toBeLessThanOrEqual(8);
    made.nowNs += 50_000;
  }
  made.settle(refuse);
  made.checkSettled();
  expect(sent(made, 1)).toHaveLength(400);
  expect([made.total("failed"), made.total("dropped")]).toEqual([400, 0]);
  // Twice for each of the first eight; then two tries (a turn apart) every half a millisecond of twenty.
  expect(tries).toBeLessThan(200);
  const later = tries;
  put(made, 1, 99);
  made.settle();
  made.checkSettled();
  expect([sent(made).length, tries]).toEqual([1, later]);
});

test.each([errors.EAGAIN, errors.ENOBUFS])(
  "a full socket or link (errno %i) keeps its datagrams and their order, and is asked again only after a while",
  (code) => {
    const made = lab();
    put(made, 3);
    turn(made, onFd(made, 0, code));
    expect(made.egress.hasBlocked).toBe(true);
    expect(made.egress.hasSends).toBe(false);
    put(made, 2);
    turn(made);
    expect(sent(made)).toHaveLength(0);
    made.nowNs += 1e6;
    turn(made);
    made.checkSettled();
    expect(sent(made)).toHaveLength(5);
    expect(made.total("dropped")).toBe(0);
  },
);

test("a full socket drops its oldest datagrams before it holds half of a region, and others go on", () => {
  const made = lab(2);
  for (let round = 0; round < 10; round++) {
    put(made, 4);
    turn(made, onFd(made, 0, errors.EAGAIN));
    made.check();
    // 8 are not more than half of 16.
    expect(made.egress.slots.held).toBeLessThanOrEqual(8);
  }
  expect(sent(made, 1)).toHaveLength(40);
  made.settle();
  made.checkSettled();
  expect(sent(made)).toEqual([33, 34, 35, 36, 37, 38, 39, 40]);
  expect(made.total("dropped")).toBe(32);
});

test("a full socket holds at most 2,048 datagrams, however many slots there are", () => {
  const made = new EgressLab();
  made.attach(0, 900);
  made.setRule(1, ["new"]);
  put(made, 100, 3000, 100);
  turn(made, onFd(made, 0, errors.EAGAIN));
  put(made, 1, 3000, 100);
  turn(made, onFd(made, 0, errors.EAGAIN));
  made.check();
  const account = made.accounts[0];
  const held = 101 * 30 - (account === undefined ? 0 : made.value(account, "dropped"));
  expect(held).toBeLessThanOrEqual(2048);
  expect(held).toBeGreaterThan(2048 - 30);
});

test.each([errors.ECONNREFUSED, errors.EHOSTUNREACH, errors.ENETDOWN])(
  "an error of the socket (errno %i) is tried twice, counted, and left behind; the other output loses nothing",
  (code) => {
    const made = lab(2);
    put(made, 5);
    made.settle(onFd(made, 0, code));
    made.checkSettled();
    expect(sent(made)).toHaveLength(0);
    expect(sent(made, 1)).toHaveLength(5);
    expect(made.total("failed")).toBe(5);
    expect(made.counters[errnoFirst + code]).toBe(2);
    const [account] = made.accounts;
    expect(account && made.value(account, "lastErrno")).toBe(code);
  },
);

test("what an ICMP error says of an earlier datagram costs none: the one that met it goes again", () => {
  const made = lab();
  let count = 0;
  put(made, 5);
  made.settle(() => (count++ === 0 ? errors.ECONNREFUSED : 0));
  made.checkSettled();
  expect(sent(made)).toHaveLength(5);
});

test("a datagram that is dropped takes its first error along: the next one is tried twice as well", () => {
  const made = lab();
  const said = [errors.ECONNREFUSED, errors.EAGAIN];
  put(made, 1);
  turn(made, () => said.shift() ?? 0);
  turn(made, () => said.shift() ?? 0);
  // Blocked, and more than half of the region is taken: the first nine go.
  put(made, 15);
  made.publish();
  made.step();
  expect(made.total("dropped")).toBe(8);
  const later = [errors.ECONNREFUSED];
  made.settle(() => later.shift() ?? 0);
  made.checkSettled();
  expect(made.total("failed")).toBe(0);
});

test("an output that is pending drops, counted, and costs no slot", () => {
  const made = new EgressLab();
  made.attach(0, 4);
  made.setRule(1, ["pending"]);
  put(made, 4);
  turn(made);
  made.checkSettled();
  expect(made.total("dropped")).toBe(4);
  put(made, 4);
});

test("a rule without outputs gives every slot back at once", () => {
  const made = new EgressLab();
  made.attach(0, 4);
  made.setRule(1, []);
  put(made, 4);
  turn(made);
  made.checkSettled();
  expect(made.total("datagrams")).toBe(0);
});

test("an output that stays in a changed rule loses nothing; one that goes sends what it has, then one that comes begins", () => {
  const made = lab(2);
  const [kept, gone] = made.accounts;
  put(made, 3);
  made.publish();
  made.step();
  put(made, 3);
  made.publish();
  made.step();
  made.setRule(1, [kept ?? "new", "new"]);
  expect(made.kernel.closed.size).toBe(0);
  put(made, 4);
  made.settle();
  made.checkSettled();
  expect(sent(made, 0)).toHaveLength(10);
  expect(sent(made, 1)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(gone && made.value(gone, "dropped")).toBe(0);
  expect(sent(made, 2)).toEqual([7, 8, 9, 10]);
  expect([...made.kernel.closed]).toEqual([gone?.fd ?? 0]);
});

test("nothing of an output that comes leaves before the last of the one that it takes the place of", () => {
  const made = lab(1, 100);
  // Sizes that do not gather: a send each, and a chain is 16 of them.
  for (let at = 0; at < 40; at++) put(made, 1, 100 + at);
  made.publish();
  made.step();
  made.setRule(1, ["new"]);
  for (let at = 0; at < 40; at++) put(made, 1, 200 + at);
  made.publish();
  while (sent(made, 0).length < 40) {
    made.step();
    expect(sent(made, 1)).toEqual([]);
    while (made.kernel.pendingCount > 0) made.run(0, () => 0);
    while (made.complete(0));
    made.check();
  }
  made.settle();
  made.checkSettled();
  expect(sent(made, 1)).toHaveLength(40);
  expect(made.total("dropped")).toBe(0);
});

test("an output that goes and is refused while it sends what it has holds nobody up: the rest of it is dropped", () => {
  const made = lab(1, 100);
  const [gone] = made.accounts;
  for (let at = 0; at < 20; at++) put(made, 1, 100 + at);
  made.publish();
  made.step();
  made.setRule(1, ["new"]);
  put(made, 3);
  made.settle(onFd(made, 0, errors.EAGAIN));
  made.checkSettled();
  expect(gone && made.value(gone, "droppedRemoved")).toBe(20);
  expect(sent(made, 1)).toHaveLength(3);
});

test("a rule whose outputs all go, or wait, is silent at once", () => {
  for (const outputs of [[], ["pending"]] as const) {
    const made = lab(1, 100);
    for (let at = 0; at < 20; at++) put(made, 1, 100 + at);
    made.publish();
    made.step();
    made.setRule(1, outputs);
    made.settle();
    made.checkSettled();
    expect(sent(made, 0)).toHaveLength(16);
    expect(made.total("dropped")).toBe(4);
  }
});

test("an output that goes while its last sends are under way leaves alone what came after it", () => {
  const made = lab();
  put(made, 2);
  made.publish();
  made.step();
  made.setRule(1, ["new"]);
  put(made, 2);
  made.publish();
  made.step();
  made.run(0, onFd(made, 0, errors.EAGAIN));
  while (made.complete(0));
  made.check();
  made.settle();
  made.checkSettled();
  expect(sent(made, 1)).toEqual([3, 4]);
});

test("an output that goes between EAGAIN and the rest of its chain takes no other full output along", () => {
  const made = lab(2);
  const [, other] = made.accounts;
  for (const size of [100, 200, 300]) put(made, 1, size);
  made.publish();
  made.step();
  const full: Fault = () => errors.EAGAIN;
  made.run(1, full);
  while (made.complete(0));
  made.run(0, full);
  made.complete(0);
  made.setRule(1, [other ?? "new"]);
  while (made.complete(0));
  made.settle();
  made.checkSettled();
  expect(sent(made, 1)).toHaveLength(3);
});

test("what waits in the queue for a rule that is gone is counted and given back", () => {
  const made = lab();
  put(made, 3);
  made.removeRule(1);
  turn(made);
  made.checkSettled();
  expect(made.total("unknownRule")).toBe(3);
  put(made, 16);
});

test("a datagram whose rule has not been heard of waits for it, and with it all behind", () => {
  const made = lab();
  put(made, 1);
  put(made, 1, 100, 0, 2);
  put(made, 1);
  made.publish();
  expect(made.step()).toBe(1);
  expect(made.step()).toBe(-1);
  made.setRule(2, ["new"]);
  expect(made.step()).toBe(2);
  made.settle();
  made.checkSettled();
  expect(made.total("unknownRule")).toBe(0);
});

test("a rule that left and comes back takes what ingress queued before egress read of it", () => {
  const made = lab();
  made.removeRule(1);
  put(made, 2);
  made.publish();
  expect(made.egress.step(1024, 0)).toBe(-1);
  made.setRule(1, ["new"]);
  expect(made.step()).toBe(2);
  made.settle();
  made.checkSettled();
  expect(made.total("unknownRule")).toBe(0);
});

test("a rule whose datagrams were given up comes back: what ingress queues then waits for its order", () => {
  const made = lab();
  made.removeRule(1);
  put(made, 2);
  turn(made);
  expect(made.total("unknownRule")).toBe(2);
  put(made, 1);
  made.publish();
  expect(made.egress.step(1024, 0)).toBe(-1);
  made.setRule(1, ["new"]);
  expect(made.step()).toBe(1);
  made.settle();
  made.checkSettled();
  expect(made.total("unknownRule")).toBe(2);
});

test("a datagram whose rule never comes can be given up", () => {
  const made = lab();
  put(made, 2, 100, 0, 7);
  made.publish();
  expect(made.step()).toBe(-1);
  made.forget();
  expect(made.step()).toBe(2);
  made.checkSettled();
  expect(made.total("unknownRule")).toBe(2);
});

test("a region goes when ingress has left it and its last slot is back, not before", () => {
  const made = lab();
  put(made, 2);
  made.detach(0);
  made.publish();
  made.step();
  expect(made.closedRegions).toEqual([]);
  made.settle();
  expect(made.closedRegions).toEqual([0]);
  made.checkSettled();
  made.attach(0, 8);
  put(made, 8);
  made.settle();
  made.checkSettled();
  expect(sent(made)).toHaveLength(10);
});

test("a region goes also when its last slots are dropped: with their rule, or for being too many", () => {
  const made = lab();
  put(made, 3);
  turn(made, onFd(made, 0, errors.EAGAIN));
  made.detach(0);
  made.step();
  made.removeRule(1);
  expect(made.closedRegions).toEqual([0]);
  made.checkSettled();

  const other = lab();
  other.attach(1, 900);
  put(other, 1, 100, 50);
  turn(other, onFd(other, 0, errors.EAGAIN));
  other.detach(0);
  for (let at = 0; at < 440; at++) other.put(1, 1, 3000, 100);
  turn(other);
  expect(other.closedRegions).toEqual([0]);
});

test("the order to end comes behind the last datagram", () => {
  const made = lab();
  put(made, 2);
  made.end();
  expect(made.egress.hasEnded).toBe(false);
  made.step();
  expect(made.egress.hasEnded).toBe(true);
  expect(made.egress.isDrained).toBe(false);
  made.settle();
  expect(made.egress.isDrained).toBe(true);
});

test("without a free send an output stays ready and goes out next turn, in order", () => {
  const made = new EgressLab(2);
  made.attach(0, 32);
  made.setRule(1, ["new", "new", "new"]);
  for (let size = 1; size <= 20; size++) put(made, 1, size);
  made.publish();
  made.step();
  expect(made.egress.hasSends).toBe(true);
  made.settle();
  made.checkSettled();
  expect([0, 1, 2].map((output) => sent(made, output).length)).toEqual([20, 20, 20]);
});
