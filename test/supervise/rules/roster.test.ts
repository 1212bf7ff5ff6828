import { expect, test } from "bun:test";
import { makeRule } from "../../../src/rules/schema.ts";
import type { LiveOutput } from "../../../src/supervise/outputs/outputs.ts";
import type { LiveRule } from "../../../src/supervise/rules/live-rule.ts";
import { outputsWhere, rosterOf } from "../../../src/supervise/rules/roster.ts";

function output(counter: number): LiveOutput {
  const words = { group: "239.2.2.2", port: counter, interface: "out0" };
  const open = { id: 1, fd: -1, pending: undefined, stamp: undefined, mapping: undefined, madeFrom: "" };
  return { output: words, ttl: 1, counter, ...open };
}

function live(counter: number, outputs: LiveOutput[]): LiveRule {
  const draft = {
    input_interface: "in0",
    input_group: "239.1.1.1",
    input_port: counter,
    input_protocol: 17,
    outputs: [],
  };
  const state = { captures: [], uncaptured: [], pending: undefined };
  return { rule: makeRule(draft, "Dynamic"), serial: counter, counter, sinceMs: 0, outputs, ...state };
}

const rules = [live(7, [output(30), output(10)]), live(3, []), live(5, [output(20)])];

test("rules and outputs stand in the order of the rules, each with its place", () => {
  const roster = rosterOf(rules);
  expect([...roster.rulePlaces]).toEqual([7, 3, 5]);
  expect([...roster.outputPlaces]).toEqual([30, 10, 20]);
  expect(roster.outputs.map(({ owner }) => owner.counter)).toEqual([7, 7, 5]);
});

test("what is odd is found by its place, with the rule it belongs to", () => {
  const found = outputsWhere(rosterOf(rules), (place) => place === 10 || place === 20);
  expect(found.map(({ owner, live: { counter } }) => [owner.counter, counter])).toEqual([
    [7, 10],
    [5, 20],
  ]);
});
