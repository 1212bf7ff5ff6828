import { describe, expect, test } from "bun:test";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import { reportsOf, versionsIn } from "../../../src/supervise/kernel/igmp.ts";
import { checksum } from "../../helpers/frames.ts";

const address = (text: string) => parseIpv4(text) ?? 0;
const any = (group: string) => ({ group: address(group), sources: [] });
const mtu = 1496;

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

describe("a report", () => {
  // As tcpdump shows those of Linux, without identification, source and header checksum.
  const head = (size: string, to: string) => `46c0${size}000040000102000000000000${to}94040000`;

  test("of version 2 is the kernel's, byte for byte, one for each group, sent to the group", () => {
    const reports = reportsOf(2, [any("239.7.7.7"), any("239.7.7.8")], mtu);
    expect(reports.map(({ destination }) => destination)).toEqual([address("239.7.7.7"), address("239.7.7.8")]);
    expect(hex(reports[0]?.bytes)).toBe(`${head("0020", "ef070707")}1600f3f0ef070707`);
  });

  test("of version 1 has its type", () => {
    expect(hex(reportsOf(1, [any("239.7.7.7")], mtu)[0]?.bytes.subarray(24))).toBe("1200f7f0ef070707");
  });

  test("of version 3 says the state of many groups at once: any source, or those", () => {
    const held = [
      any("239.7.7.7"),
      { group: address("232.1.1.1"), sources: [address("10.0.0.1"), address("10.0.0.2")] },
    ];
    const [report, ...more] = reportsOf(3, held, mtu);
    expect([more.length, report?.destination, report?.groupCount]).toEqual([0, address("224.0.0.22"), 2]);
    const body = report?.bytes.subarray(24) ?? new Uint8Array();
    expect(checksum(body)).toBe(0);
    expect(hex(body.subarray(4))).toBe("0000000202000000ef07070701000002e80101010a0000010a000002");
  });

  test("of version 3 never outgrows the link, and together they say everything once", () => {
    const groups = Array.from({ length: 2000 }, (_, at) => ({ group: address("239.1.0.0") + at, sources: [] }));
    const sources = Array.from({ length: 900 }, (_, at) => address("10.0.0.1") + at);
    for (const size of [68, 576, mtu]) {
      const reports = reportsOf(3, [...groups, { group: address("232.1.1.1"), sources }], size);
      const seen = new Map<number, number>();
      for (const { bytes } of reports) {
        expect(bytes.length).toBeLessThanOrEqual(size);
        const view = new DataView(bytes.buffer);
        expect(view.getUint16(2)).toBe(bytes.length);
        expect(checksum(bytes.subarray(24))).toBe(0);
        let at = 32;
        for (let record = 0; record < view.getUint16(30); record++) {
          const group = view.getUint32(at + 4);
          seen.set(group, (seen.get(group) ?? 0) + view.getUint16(at + 2));
          at += 8 + 4 * view.getUint16(at + 2);
        }
        expect(at).toBe(bytes.length);
      }
      expect([seen.size, seen.get(address("232.1.1.1")), seen.get(address("239.1.0.5"))]).toEqual([2001, 900, 0]);
    }
  });

  test("of nothing is none", () => {
    expect([reportsOf(3, [], mtu), reportsOf(2, [], mtu)]).toEqual([[], []]);
  });
});

test("what a link speaks stands in /proc/net/igmp", () => {
  const text = [
    "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter",
    "1\tlo        :     1      V3",
    "\t\t\t\t010000E0     1 0:00000000\t\t0",
    "2\teth0.600  :     2      V2",
    "\t\t\t\t070707EF     1 0:00000000\t\t1",
    "31\tV1        :     1      V1",
  ];
  expect([...versionsIn(text.join("\n"))]).toEqual([
    [1, 3],
    [2, 2],
    [31, 1],
  ]);
});
