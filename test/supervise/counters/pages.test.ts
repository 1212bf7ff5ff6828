import { expect, test } from "bun:test";
import {
  egress,
  errnoFirst,
  ingress,
  outputErrnoFirst,
  outputField,
  outputFirst,
  outputSize,
  pageSize,
  refusal,
  refusedFirst,
  ruleField,
  ruleFirst,
  ruleSize,
} from "../../../src/relay/counters.ts";
import { mapFd } from "../../../src/shim/memory.ts";
import {
  clearOutput,
  clearRule,
  latestOf,
  outputErrors,
  outputTotals,
  Page,
  ruleTotals,
} from "../../../src/supervise/counters/pages.ts";

/** A page, and the same page as the worker that was given its descriptor writes it. */
function page(): { page: Page; worker: Float64Array } {
  const made = Page.open("mcr-test-page");
  const mapped = mapFd(made.fd, pageSize);
  if (mapped === undefined) throw new Error("the page could not be mapped twice");
  return { page: made, worker: mapped.f64 };
}

test("what a worker counts is read by name", () => {
  const { page: read, worker } = page();
  worker[ingress.matched] = 5;
  worker[egress.sent] = 7;
  worker[refusedFirst + refusal.vlan - 1] = 3;
  worker[errnoFirst + 111] = 2;
  expect([read.ingress("matched"), read.egress("sent")]).toEqual([5, 7]);
  expect(read.refusals()).toEqual({ vlan: 3 });
  expect(read.failures()).toEqual({ ECONNREFUSED: 2 });
});

test("totals are the sum of all workers; a moment is the latest one, an errno is no sum", () => {
  const made = [page(), page(), page()];
  for (const [at, { worker }] of made.entries()) {
    worker[ruleFirst + 4 * ruleSize + ruleField.datagrams] = 10 + at;
    worker[ruleFirst + 4 * ruleSize + ruleField.lastSeenNs] = 1000 * (at + 1);
    worker[outputFirst + 9 * outputSize + outputField.sent] = at;
    worker[outputFirst + 9 * outputSize + outputField.lastErrno] = at === 1 ? 111 : 0;
  }
  const pages = made.map((each) => each.page);
  expect(ruleTotals(pages, 4)).toMatchObject({ datagrams: 33, bytes: 0, lastSeenNs: 3000, frames: 0 });
  expect(outputTotals(pages, 9)).toMatchObject({ sent: 3, lastErrno: 111, dropped: 0 });
  expect(ruleTotals([], 4)).toMatchObject({ datagrams: 0, bytes: 0, lastSeenNs: 0, frames: 0 });
});

test("a place made ready for a new owner is zero, and its neighbours are untouched", () => {
  const { page: read, worker } = page();
  worker.fill(1, ruleFirst + ruleSize, ruleFirst + 4 * ruleSize);
  worker.fill(1, outputFirst + outputSize, outputFirst + 4 * outputSize);
  clearRule([read], 2);
  clearOutput([read], 2);
  const rule = (index: number) => ruleTotals([read], index).frames;
  const output = (index: number) => outputTotals([read], index).entered;
  expect([0, 1, 2, 3, 4].map(rule)).toEqual([0, 1, 0, 1, 0]);
  expect([0, 1, 2, 3, 4].map(output)).toEqual([0, 1, 0, 1, 0]);
});

test("the errnos of an output are summed by name over all workers, those without a place together", () => {
  const made = [page(), page()];
  const first = outputFirst + 2 * outputSize;
  for (const [at, { worker }] of made.entries()) {
    // Each worker meets them in its own order.
    worker.set(at === 0 ? [111, 5, 113, 1] : [113, 2, 0, 0], first + outputErrnoFirst);
    worker[first + outputField.refusedOther] = at;
  }
  expect(
    outputErrors(
      made.map((each) => each.page),
      2,
    ),
  ).toEqual({ ECONNREFUSED: 5, EHOSTUNREACH: 3, other: 1 });
});

test("what belongs to one moment is read from the worker that saw it last", () => {
  const made = [page(), page()];
  const first = ruleFirst + 4 * ruleSize;
  for (const [at, { worker }] of made.entries()) {
    worker[first + ruleField.otherPort] = at === 0 ? 9000 : 6000;
    worker[first + ruleField.otherNs] = at + 1;
  }
  const pages = made.map((each) => each.page);
  expect(latestOf(pages, 4, "otherNs").otherPort).toBe(6000);
});
