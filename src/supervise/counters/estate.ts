// What a worker leaves behind when it dies: counters in the middle of a turn, datagrams it had taken and not sent. The page is the
// supervisor's, so the supervisor closes the account before a successor counts on. What was handed to the kernel without
// being reported back is counted as lost too, though some of it went out.
import {
  egress,
  ingress,
  outputField,
  outputFirst,
  outputSize,
  ruleField,
  ruleFirst,
  ruleSize,
} from "../../relay/counters.ts";
import type { Page } from "./pages.ts";

/** A rule as far as its counters go: its place in the page, and those of its outputs. */
export type CountedRule = { counter: number; outputs: readonly { counter: number }[] };

/**
 * Closes the account of a page whose worker is dead. After it, every frame has a verdict and every datagram of every output was
 * sent, failed or dropped. Returns how many datagrams (times outputs) were lost.
 */
export function closeAccount(page: Page, rules: Iterable<CountedRule>): number {
  judgeFrames(page);
  const queued = Math.max(0, page.ingress("datagrams") - page.egress("taken"));
  let known = 0;
  for (const rule of rules) {
    known += takeQueued(page, rule);
    for (const { counter } of rule.outputs) {
      dropHeld(page, counter);
    }
  }
  add(page, egress.unknownRule, Math.max(0, queued - known));
  page.put(egress.taken, page.ingress("datagrams"));
  const held = page.egress("datagrams") - page.egress("sent") - page.egress("failed") - page.egress("dropped");
  const lost = Math.max(0, held);
  add(page, egress.dropped, lost);
  add(page, egress.died, lost);
  page.put(egress.inFlight, 0);
  return lost;
}

/** Frames are counted at the end of a turn, their verdicts one by one: a turn that never ended is counted here. */
function judgeFrames(page: Page): void {
  const refused = Object.values(page.refusals()).reduce((sum, each) => sum + each, 0);
  page.put(ingress.frames, page.ingress("matched") + page.ingress("noMatch") + refused);
}

/** Datagrams between ingress and egress enter the rule's outputs, from where they are dropped. */
function takeQueued(page: Page, { counter, outputs }: CountedRule): number {
  const first = ruleFirst + counter * ruleSize;
  const queued = Math.max(0, page.value(first + ruleField.datagrams) - page.value(first + ruleField.taken));
  add(page, first + ruleField.taken, queued);
  add(page, egress.datagrams, queued * outputs.length);
  for (const output of outputs) {
    add(page, outputFirst + output.counter * outputSize + outputField.entered, queued);
  }
  return queued;
}

function dropHeld(page: Page, counter: number): void {
  const first = outputFirst + counter * outputSize;
  const value = (field: keyof typeof outputField) => page.value(first + outputField[field]);
  const held = Math.max(0, value("entered") - value("sent") - value("failed") - value("dropped"));
  add(page, first + outputField.dropped, held);
  add(page, first + outputField.droppedDied, held);
}

function add(page: Page, at: number, by: number): void {
  page.put(at, page.value(at) + by);
}
