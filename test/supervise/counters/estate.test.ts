import { expect, test } from "bun:test";
import {
  egress,
  ingress,
  outputField,
  outputFirst,
  outputSize,
  refusal,
  refusedFirst,
  ruleField,
  ruleFirst,
  ruleSize,
} from "../../../src/relay/counters.ts";
import { judge } from "../../../src/supervise/counters/accounts.ts";
import { closeAccount } from "../../../src/supervise/counters/estate.ts";
import { outputTotals, Page, ruleTotals } from "../../../src/supervise/counters/pages.ts";

/** A page as a worker leaves it in the middle of a turn: 100 matched, 90 taken; two outputs, one of them behind. */
function left(): Page {
  const page = Page.open("mcr-test-estate");
  const rule = ruleFirst + 3 * ruleSize;
  const output = (index: number) => outputFirst + index * outputSize;
  page.put(ingress.frames, 0);
  page.put(ingress.matched, 100);
  page.put(ingress.noMatch, 7);
  page.put(refusedFirst + refusal.vlan - 1, 2);
  page.put(ingress.datagrams, 100);
  page.put(rule + ruleField.datagrams, 100);
  page.put(rule + ruleField.taken, 90);
  page.put(egress.taken, 90);
  page.put(egress.datagrams, 180);
  page.put(egress.sent, 150);
  page.put(egress.failed, 5);
  page.put(egress.inFlight, 25);
  for (const [index, sent, failed] of [
    [1, 90, 0],
    [2, 60, 5],
  ] as const) {
    page.put(output(index) + outputField.entered, 90);
    page.put(output(index) + outputField.sent, sent);
    page.put(output(index) + outputField.failed, failed);
  }
  return page;
}

const rules = [{ counter: 3, outputs: [{ counter: 1 }, { counter: 2 }] }];

test("after it every sum holds, exactly", () => {
  const page = left();
  expect(judge(page.copy(0, 128), 0).every(({ difference }) => difference === 0)).toBe(false);
  // 10 in the queue for two outputs, 25 on their way.
  expect(closeAccount(page, rules)).toBe(45);
  expect(judge(page.copy(0, 128), 0).map(({ difference, parts }) => [difference, parts["waiting"] ?? 0])).toEqual([
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  expect([page.ingress("frames"), page.egress("died"), page.egress("inFlight")]).toEqual([109, 45, 0]);
});

test("each output carries its own loss: what was queued for it, and what it had not sent", () => {
  const page = left();
  closeAccount(page, rules);
  expect(outputTotals([page], 1)).toMatchObject({ entered: 100, sent: 90, dropped: 10, droppedDied: 10 });
  expect(outputTotals([page], 2)).toMatchObject({ entered: 100, sent: 60, failed: 5, dropped: 35, droppedDied: 35 });
  expect(ruleTotals([page], 3)).toMatchObject({ datagrams: 100, taken: 100 });
});

test("what was queued for a rule that is gone counts as without a rule", () => {
  const page = left();
  closeAccount(page, []);
  expect([page.egress("unknownRule"), page.egress("taken"), page.egress("died")]).toEqual([10, 100, 25]);
});

test("closing an account twice changes nothing, and one that is even stays so", () => {
  const page = left();
  closeAccount(page, rules);
  const before = page.copy(0, outputFirst + 3 * outputSize);
  expect(closeAccount(page, rules)).toBe(0);
  expect(page.copy(0, outputFirst + 3 * outputSize)).toEqual(before);
});
