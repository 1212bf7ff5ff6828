import { expect, test } from "bun:test";
import { makeRule } from "../../../src/rules/schema.ts";
import { nothingRuns, runningOf } from "../../../src/supervise/ending/ending-facts.ts";
import type { Link } from "../../../src/supervise/kernel/links.ts";

function link(index: number): Link {
  const how = { isUp: true, isLoopback: false, mtu: 1500, masterIndex: 0, macType: 1, addresses: [] };
  return { index, name: `in${index}`, ...how };
}

function running(serial: number, port: number | string, linkIndex: number) {
  const draft = { input_interface: `in${linkIndex}`, input_group: "239.1.1.1", input_port: port, input_protocol: 17 };
  return { serial, counter: serial, rule: makeRule({ ...draft, outputs: [] }, "Dynamic"), link: link(linkIndex) };
}

test("a link is looked at once, and ports of rules that never end are not asked for", () => {
  const { links, ports } = runningOf([
    running(1, 5000, 2),
    running(2, 5001, 2),
    running(3, 5000, 9),
    running(4, "6000-6009", 2),
  ]);
  expect(links.map(({ index }) => index)).toEqual([2, 9]);
  expect([...ports]).toEqual([5000, 5001]);
});

test("without a worker nothing runs", () => {
  expect([nothingRuns.rules.length, nothingRuns.links.length, nothingRuns.ports.size]).toEqual([0, 0, 0]);
});
