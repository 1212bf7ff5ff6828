import { expect, test } from "bun:test";
import { neighbourIn, silentNeighbours } from "../../../src/supervise/kernel/neighbours.ts";

const table = `IP address       HW type     Flags       HW address            Mask     Device
10.0.2.2         0x1         0x2         5a:11:22:33:44:55     *        out0
10.0.2.99        0x1         0x0         00:00:00:00:00:00     *        out0
10.0.2.7         0x1         0x6         5a:11:22:33:44:66     *        out0
10.0.2.2         0x1         0x0         00:00:00:00:00:00     *        out1
`;

test.each([
  ["10.0.2.2", "out0", "answered"],
  ["10.0.2.7", "out0", "answered"],
  ["10.0.2.99", "out0", "silent"],
  ["10.0.2.2", "out1", "silent"],
  ["10.0.2.3", "out0", "unknown"],
] as const)("%s on %s is %s", (address, link, state) => {
  expect(neighbourIn(table, address, link)).toBe(state);
});

test("those who were asked and did not answer are told from the others, each on its link", () => {
  expect([...silentNeighbours(table)]).toEqual(["out0 10.0.2.99", "out1 10.0.2.2"]);
  expect([...silentNeighbours("")]).toEqual([]);
});
