import { expect, test } from "bun:test";
import { parseBridge } from "../../src/doctor/queriers.ts";

/** An attribute of netlink: its length, its type, its bytes, padded to four. */
function attribute(type: number, bytes: readonly number[]): number[] {
  const size = bytes.length + 4;
  return [size & 255, size >> 8, type & 255, type >> 8, ...bytes, ...Array((4 - (size % 4)) % 4).fill(0)];
}

const text = (value: string) => [...new TextEncoder().encode(value), 0];
const link = (kind: string, data: readonly number[]) =>
  new Uint8Array([
    ...Array(16).fill(0),
    ...attribute(3, text("br0")),
    ...attribute(18, [...attribute(1, text(kind)), ...attribute(2, data)]),
  ]);

test("a bridge has a querier when its state holds an IPv4 address", () => {
  expect(parseBridge(link("bridge", attribute(47, attribute(1, [10, 0, 0, 1]))))).toEqual({
    name: "br0",
    hasQuerier: true,
  });
  // Of IPv6 alone.
  expect(parseBridge(link("bridge", attribute(47, attribute(5, Array(16).fill(1)))))).toMatchObject({
    hasQuerier: false,
  });
  expect(parseBridge(link("bridge", []))).toMatchObject({ hasQuerier: false });
});

test("what is no bridge, or cut short, is none", () => {
  expect(parseBridge(link("veth", []))).toBeUndefined();
  expect(parseBridge(new Uint8Array(8))).toBeUndefined();
});
