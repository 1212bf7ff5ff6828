// The second half of a packet's way under random interleavings of everything that can happen to it: frames, turns, orders,
// sends that run late, completions that come later, and every error a socket can say.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { EgressLab } from "../helpers/egress-lab.ts";
import { errors, type Fault } from "../helpers/kernel.ts";
import { prove } from "../helpers/prove.ts";

const runs = 1_500;
const sizes = [0, 0, 1, 100, 100, 100, 100, 1316, 1316, 1400, 1472, 9000, 65_507];
const transient = [errors.EAGAIN, errors.ECONNREFUSED, errors.EHOSTUNREACH, errors.ENOBUFS, errors.ENETDOWN];

type Step = readonly [what: number, one: number, two: number];

/** Faults as links and sockets have them: some do not segment, some are small, and now and then one says no. */
function faultOf(one: number): Fault {
  return (fd, bytes, segment) => {
    if (segment > 0 && fd % 3 === 0) {
      return errors.EIO;
    }
    if (segment > 1400 && fd % 3 === 1) {
      return errors.EINVAL;
    }
    if (segment === 0 && bytes > 9000 && fd % 3 === 1) {
      return errors.EMSGSIZE;
    }
    return (fd * 7 + bytes + one) % 5 === 0 ? (transient[(one + fd) % transient.length] ?? 0) : 0;
  };
}

function putSome(lab: EgressLab, one: number, two: number): void {
  const open = [...lab.regions.keys()].filter((index) => !leaving(lab).has(index));
  const index = open[one % Math.max(1, open.length)];
  if (index === undefined) {
    return;
  }
  const size = sizes[two % sizes.length] ?? 0;
  const isSuper = two % 7 === 0 && size > 0 && size <= 1472;
  for (let count = two % (isSuper ? 12 : 70); count >= 0; count--) {
    const serial = 1 + ((one + (two % 3 === 0 ? count : 0)) % 4) + (two % 50 === 0 ? 10 : 0);
    const payload = isSuper ? Math.min(65_507, size * (2 + (two % 69)) + (one % size)) : size;
    lab.put(index, serial, count === 0 && payload > 1 ? payload - 1 : payload, isSuper ? size : 0);
  }
  if (one % 2 === 0) {
    lab.publish();
  }
}

const leavingOf = new WeakMap<EgressLab, Set<number>>();

function leaving(lab: EgressLab): Set<number> {
  const known = leavingOf.get(lab) ?? new Set<number>();
  leavingOf.set(lab, known);
  return known;
}

function changeRule(lab: EgressLab, one: number, two: number): void {
  const serial = 1 + (one % 4);
  const kept = lab.outputs(serial).filter((_, at) => ((two >> at) & 1) === 1);
  const fresh = Array.from({ length: two % 3 }, (_, at) =>
    (one + at) % 5 === 0 ? ("pending" as const) : ("new" as const),
  );
  lab.setRule(serial, [...kept, ...fresh]);
}

function changeRegions(lab: EgressLab, one: number, two: number): void {
  const index = one % 5;
  if (!lab.regions.has(index)) {
    lab.attach(index, 4 + (two % 200));
  } else if (!leaving(lab).has(index) && two % 3 === 0) {
    lab.detach(index);
    leaving(lab).add(index);
  }
}

function apply(lab: EgressLab, [what, one, two]: Step): void {
  for (const index of leaving(lab)) {
    if (!lab.regions.has(index)) {
      leaving(lab).delete(index);
    }
  }
  if (what < 5) putSome(lab, one, two);
  else if (what < 9) lab.step(1 + (one % 300));
  else if (what < 13) lab.run(one, faultOf(two));
  else if (what < 18) {
    for (let count = two % 20; count >= 0; count--) lab.complete(one);
  } else if (what === 18) changeRule(lab, one, two);
  else if (what === 19 && one % 3 === 0) lab.removeRule(1 + (two % 4));
  else if (what === 20) changeRegions(lab, one, two);
  else if (what === 21) lab.forget();
  lab.nowNs += one * 1_000;
}

const step = fc.tuple(fc.nat(21), fc.nat(999), fc.nat(999));

test("datagrams are conserved, ordered and never doubled; slots, sockets and regions are given back once", () => {
  const seen = { sent: 0, failed: 0, dropped: 0, batchMax: 0, unknown: 0 };
  prove(
    fc.property(
      fc.array(step, { minLength: 10, maxLength: 120 }),
      fc.nat(999),
      fc.constantFrom(1, 3, 20, 256),
      (steps, seed, sendsMax) => {
        const lab = new EgressLab(sendsMax);
        lab.attach(0, 90);
        lab.setRule(1, ["new", "new"]);
        lab.setRule(2, ["new"]);
        lab.setRule(3, ["new", "pending", "new"]);
        for (const each of steps) {
          apply(lab, each);
          lab.check();
        }
        const faulty = faultOf(seed);
        // Errors that pass, then none: a socket that is full for ever would hold its datagrams for ever.
        let patience = 300;
        lab.settle((fd, bytes, segment) => {
          patience--;
          const error = faulty(fd, bytes, segment);
          return patience < 0 && transient.includes(error as (typeof transient)[number]) ? 0 : error;
        });
        lab.checkSettled();
        for (const index of leaving(lab)) {
          expect(lab.regions.has(index)).toBe(false);
        }
        seen.sent += lab.total("sent");
        seen.failed += lab.total("failed");
        seen.dropped += lab.total("dropped");
        seen.unknown += lab.total("unknownRule");
        seen.batchMax = Math.max(seen.batchMax, lab.total("batchMax"));
      },
    ),
    runs,
  );
  // Otherwise the steps would prove nothing.
  expect(Math.min(seen.sent, seen.failed, seen.dropped, seen.unknown)).toBeGreaterThan(1_000);
  expect(seen.batchMax).toBeGreaterThanOrEqual(64);
}, 60_000);
