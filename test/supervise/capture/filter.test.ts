import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import { limits } from "../../../src/limits.ts";
import { type Filter, filterOf, passNothing, type Wanted } from "../../../src/supervise/capture/filter.ts";
import { type FilteredFrame, runFilter } from "../../helpers/bpf.ts";
import { arpFrame, ethernet, etherTypes, fragmentFrames, ipv4, tcpFrame, udpFrame } from "../../helpers/frames.ts";

const accepted = 0x4_0000;
const types = { host: 0, multicast: 2, otherHost: 3, outgoing: 4 };
const flow = { source: "10.0.0.1", destination: "239.1.1.1", sourcePort: 4000, destinationPort: 5000 };
const group = { address: parseIpv4("239.1.1.1") ?? 0, protocol: 17 };

function seen(bytes: Uint8Array, other: Partial<FilteredFrame> = {}): FilteredFrame {
  const etherType = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
  return { bytes, networkOffset: 14, etherType, packetType: types.multicast, ...other };
}

/** The smallest frame that has an IPv4 header to look at. */
function frameTo(address: number, protocol: number): Uint8Array {
  const bytes = new Uint8Array(34);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes[23] = protocol;
  new DataView(bytes.buffer).setUint32(30, address);
  return bytes;
}

function passes(filter: Filter, frame: FilteredFrame): boolean {
  const result = runFilter(filter.program, frame);
  expect([0, accepted]).toContain(result);
  return result === accepted;
}

test("nothing wanted, nothing passes", () => {
  const { program } = filterOf([], { hasEthernetHeader: true });
  expect(program).toEqual(passNothing);
  expect(runFilter(program, seen(udpFrame(flow, new Uint8Array(10))))).toBe(0);
});

test("a wanted group passes whole, whatever its port; others and other protocols do not", () => {
  const filter = filterOf([group], { hasEthernetHeader: true });
  expect(passes(filter, seen(udpFrame(flow, new Uint8Array(10))))).toBe(true);
  expect(passes(filter, seen(udpFrame({ ...flow, destinationPort: 1 }, new Uint8Array(0))))).toBe(true);
  expect(passes(filter, seen(udpFrame({ ...flow, destination: "239.1.1.2" }, new Uint8Array(10))))).toBe(false);
  expect(passes(filter, seen(udpFrame({ ...flow, destination: "239.1.1.0" }, new Uint8Array(10))))).toBe(false);
  expect(passes(filter, seen(tcpFrame(flow)))).toBe(false);
  expect(passes(filter, seen(frameTo(group.address, 50)))).toBe(false);
  expect(passes(filter, seen(arpFrame("10.0.0.1", "239.1.1.1")))).toBe(false);
});

test("what left here and what is for another host does not pass", () => {
  const filter = filterOf([group], { hasEthernetHeader: true });
  const frame = udpFrame(flow, new Uint8Array(10));
  expect(passes(filter, seen(frame, { packetType: types.outgoing }))).toBe(false);
  expect(passes(filter, seen(frame, { packetType: types.otherHost }))).toBe(false);
  expect(passes(filter, seen(frame, { packetType: types.host }))).toBe(true);
});

test("fragments pass, first and later ones; user space names what becomes of them", () => {
  const filter = filterOf([group], { hasEthernetHeader: true });
  const frames = fragmentFrames(flow, new Uint8Array(3000), 1480);
  expect(frames.map((frame) => passes(filter, seen(frame)))).toEqual([true, true, true]);
});

test("a tag in the metadata passes, one in the data does not", () => {
  const filter = filterOf([group], { hasEthernetHeader: true });
  const stripped = udpFrame(flow, new Uint8Array(10));
  expect(passes(filter, seen(stripped, { etherType: etherTypes.ipv4 }))).toBe(true);
  const tagged = udpFrame(flow, new Uint8Array(10), { ethernet: { vlans: [{ id: 600 }] } });
  expect(passes(filter, seen(tagged))).toBe(false);
});

test("a link that leaves the tag in place (reorder_hdr off) is read at its network header", () => {
  const filter = filterOf([group], { hasEthernetHeader: true });
  const tagged = udpFrame(flow, new Uint8Array(10), { ethernet: { vlans: [{ id: 600 }] } });
  expect(passes(filter, seen(tagged, { etherType: etherTypes.ipv4, networkOffset: 18 }))).toBe(true);
});

test("an Ethernet frame whose IP header lies outside the linear part passes all the same", () => {
  const filter = filterOf([group], { hasEthernetHeader: true });
  expect(passes(filter, seen(udpFrame(flow, new Uint8Array(10)), { linearSize: 14 }))).toBe(true);
});

test("without an Ethernet header a source of 8.0.x.x is not taken for a type", () => {
  const filter = filterOf([group], { hasEthernetHeader: false });
  const packet = ipv4({ source: "8.0.1.1", destination: "239.1.1.1" }, new Uint8Array(8));
  const frame = { bytes: packet, networkOffset: 0, etherType: etherTypes.ipv4, packetType: types.host };
  expect(passes(filter, frame)).toBe(true);
  const [other] = [ipv4({ source: "8.0.1.1", destination: "239.1.1.2" }, new Uint8Array(8))];
  expect(passes(filter, { ...frame, bytes: other })).toBe(false);
});

test("a frame cut off before its addresses is dropped", () => {
  const filter = filterOf([group], { hasEthernetHeader: true });
  const frame = ethernet({ destination: "01:00:5e:01:01:01" }, Uint8Array.of(0x45, 0, 0, 20));
  expect(passes(filter, seen(frame))).toBe(false);
});

test("each protocol has addresses of its own", () => {
  const wanted = [group, { address: 5, protocol: 50 }, { address: 6, protocol: 17 }, { address: 6, protocol: 50 }];
  const filter = filterOf(wanted, { hasEthernetHeader: true });
  const passing = [group.address, 5, 6].map((address) =>
    [17, 50].filter((protocol) => passes(filter, seen(frameTo(address, protocol)))),
  );
  expect(passing).toEqual([[17], [50], [17, 50]]);
});

/** The obvious answer, for all wanted addresses, their neighbours and the ends of the number line. */
function checkAgainstSet(wanted: Wanted[], hasEthernetHeader: boolean, rangesMax?: number): Filter {
  const filter = filterOf(wanted, { hasEthernetHeader, ...(rangesMax === undefined ? {} : { rangesMax }) });
  const set = new Set(wanted.map(({ address, protocol }) => `${address} ${protocol}`));
  const near = wanted.flatMap(({ address }) => [address - 1, address, address + 1]);
  const probes = [...near, 0, 0x7fffffff, 0x80000000, 0xffffffff].filter((each) => each >= 0 && each <= 0xffffffff);
  let unwantedCount = 0;
  for (const address of probes) {
    for (const protocol of [17, 50]) {
      const bytes = frameTo(address, protocol);
      const frame = hasEthernetHeader
        ? seen(bytes)
        : seen(bytes.subarray(14), { networkOffset: 0, etherType: etherTypes.ipv4 });
      const isWanted = set.has(`${address} ${protocol}`);
      const isPassing = passes(filter, frame);
      if (isWanted && !isPassing) throw new Error(`${address} ${protocol} is wanted and does not pass`);
      if (!isWanted && isPassing) unwantedCount++;
    }
  }
  if (filter.unwantedCount === 0) expect(unwantedCount).toBe(0);
  expect(filter.program.count).toBeLessThanOrEqual(limits.filterInstructionsMax);
  return filter;
}

const address = fc.oneof(
  fc.nat(0xffffffff),
  fc.nat(500),
  fc.nat(500).map((low) => 0xef000000 + low),
);
const wish = fc.record({ address, protocol: fc.constantFrom(17, 17, 17, 50) });

test("any set of addresses: what is wanted passes, and what is not does not", () => {
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 400 }), fc.boolean(), (wanted, hasEthernetHeader) => {
      expect(checkAgainstSet(wanted, hasEthernetHeader).unwantedCount).toBe(0);
    }),
  );
});

test("any set and too little room: what is wanted still passes", () => {
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (wanted, rangesMax) => {
      const filter = checkAgainstSet(wanted, true, rangesMax);
      expect(filter.rangeCount).toBeLessThanOrEqual(Math.max(2, rangesMax));
    }),
  );
});

test.each([1, 2, 127, 128, 129, 255, 256, 257, 1000, 1950])("%d scattered addresses are matched exactly", (count) => {
  const wanted = Array.from({ length: count }, (_, at) => ({ address: 0xe0000000 + at * 1009, protocol: 17 }));
  const filter = checkAgainstSet(wanted, true);
  expect([filter.rangeCount, filter.unwantedCount]).toEqual([count, 0]);
});

test("12,000 addresses in a row are one range, matched exactly", () => {
  const wanted = Array.from({ length: 12_000 }, (_, at) => ({ address: 0xef000000 + at, protocol: 17 }));
  const filter = checkAgainstSet(wanted, true);
  expect([filter.rangeCount, filter.unwantedCount]).toEqual([1, 0]);
});

test("12,000 scattered addresses all pass, and it says how many nobody wants pass too", () => {
  // A fixed linear congruence (Numerical Recipes) spreads them over 239/8 and both protocols.
  let state = 1;
  const wanted = Array.from({ length: 12_000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return { address: 0xef000000 + (state >>> 8), protocol: state % 10 === 0 ? 50 : 17 };
  });
  const filter = checkAgainstSet(wanted, true);
  expect(filter.unwantedCount).toBeGreaterThan(0);
  expect(filter.unwantedCount).toBeLessThan(2 ** 25);
  expect(filter.program.count).toBeGreaterThan(3000);
});
