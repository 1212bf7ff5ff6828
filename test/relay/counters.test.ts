import { expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import {
  counterCount,
  egress,
  errnoCount,
  errnoFirst,
  ingress,
  linkField,
  linkFirst,
  linkMax,
  linkSize,
  outputField,
  outputFirst,
  outputMax,
  outputSize,
  pageSize,
  refusal,
  refusals,
  refusedFirst,
  ruleField,
  ruleFirst,
  ruleMax,
  ruleSize,
} from "../../src/relay/counters.ts";

test("every counter of a page has a place of its own, one writer's after the other's", () => {
  const stretches: [name: string, first: number, count: number][] = [
    ["ingress", Math.min(...Object.values(ingress)), Object.keys(ingress).length],
    ["refused", refusedFirst, refusals.length],
    ["egress", Math.min(...Object.values(egress)), Object.keys(egress).length],
    ["errno", errnoFirst, errnoCount],
    ["link", linkFirst, linkSize * linkMax],
    ["rule", ruleFirst, ruleSize * ruleMax],
    ["output", outputFirst, outputSize * outputMax],
  ];
  let end = 0;
  for (const [name, first, count] of stretches) {
    expect([name, first >= end]).toEqual([name, true]);
    end = first + count;
  }
  expect(counterCount).toBe(end);
  expect(pageSize).toBe(end * 8);
});

test.each([
  ["ingress", ingress, Object.keys(ingress).length],
  ["egress", egress, Object.keys(egress).length],
  ["link", linkField, linkSize],
  ["rule", ruleField, ruleSize],
  ["output", outputField, outputSize],
] as const)("the fields of %s differ and fit", (_, fields, size) => {
  const places = Object.values(fields);
  expect(new Set(places).size).toBe(places.length);
  expect(Math.max(...places) - Math.min(...places)).toBeLessThan(size);
});

test("there are places for all that the limits allow", () => {
  expect(linkMax).toBeGreaterThanOrEqual(limits.captureLinksMax);
  expect(ruleMax).toBeGreaterThan(limits.rulesMax);
});

test("a refusal is a number from 1, and the same name comes back from it", () => {
  for (const name of refusals) expect(refusals[refusal[name] - 1]).toBe(name);
  expect(Math.min(...Object.values(refusal))).toBe(1);
});
