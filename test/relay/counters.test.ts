import { expect, test } from "bun:test";
import { bucketCount } from "../../src/base/buckets.ts";
import { limits } from "../../src/limits.ts";
import {
  batchCount,
  batchFirst,
  counterCount,
  egress,
  errnoCount,
  errnoFirst,
  ingress,
  latencyFirst,
  linkField,
  linkFirst,
  linkMax,
  linkSize,
  outputErrnoCount,
  outputErrnoFirst,
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
    ["batch", batchFirst, batchCount],
    ["link", linkFirst, linkSize * linkMax],
    ["latency", latencyFirst, bucketCount],
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

test("the errnos of an output lie behind its fields and before the next output", () => {
  expect(outputErrnoFirst).toBeGreaterThan(Math.max(...Object.values(outputField)));
  expect(outputErrnoFirst + 2 * outputErrnoCount).toBeLessThanOrEqual(outputSize);
});

test("what egress writes of a rule lies on a cache line of its own", () => {
  const ingressPlaces = Object.entries(ruleField).filter(([name]) => name !== "taken");
  const line = (place: number) => Math.floor(place / 8);
  expect(ingressPlaces.map(([, place]) => line(place))).not.toContain(line(ruleField.taken));
});

test("there are places for all that the limits allow", () => {
  expect(linkMax).toBeGreaterThanOrEqual(limits.captureLinksMax);
  expect(ruleMax).toBeGreaterThan(limits.rulesMax);
});

test("a refusal is a number from 1, and the same name comes back from it", () => {
  for (const name of refusals) expect(refusals[refusal[name] - 1]).toBe(name);
  expect(Math.min(...Object.values(refusal))).toBe(1);
});
