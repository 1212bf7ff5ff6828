// parse() against a slow, obvious parser, over slots as the kernel leaves them around frames that are right, nearly right, and not.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { refusals } from "../../src/relay/counters.ts";
import { Datagram, parse } from "../../src/relay/parse.ts";
import { plainSlot, SlotMemory, type SlotPlan } from "../helpers/capture-slot.ts";
import { headerFields } from "../helpers/mutate.ts";
import { prove } from "../helpers/prove.ts";
import { type Found, referenceParse } from "../helpers/reference.ts";

/** `npm run fuzz -- --cases N` makes millions of them. */
const runs = 100_000;
const memory = new SlotMemory();

/** A word as a little-endian load of network order sees it. */
function swap(word: number): number {
  return new DataView(Uint32Array.of(word).buffer).getUint32(0, false);
}

function parsed(): Found | string {
  const out = new Datagram();
  const status = new DataView(memory.bytes.buffer).getUint32(memory.slot, true);
  const refused = parse(memory.views, memory.slot, status, memory.address, memory.onesSum, out);
  return refused !== 0
    ? (refusals[refused - 1] ?? `refusal ${refused}`)
    : {
        source: swap(out.sourceWord),
        destination: swap(out.destinationWord),
        port: out.portAndProtocol & 0xffff,
        protocol: out.portAndProtocol >> 16,
        payload: { offset: out.payloadOffset, size: out.payloadSize },
        segmentSize: out.segmentSize,
        count: out.count,
      };
}

/** Mostly `usual`, so that a frame has one fault or two and gets far. */
function mostly<T>(usual: T, ...others: fc.Arbitrary<T>[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 14, arbitrary: fc.constant(usual) },
    ...others.map((arbitrary) => ({ weight: 2, arbitrary })),
  );
}

// Values at which something ends.
const edges = fc.constantFrom(
  ...[0, 1, 4, 5, 7, 8, 9, 17, 19, 20, 21, 27, 28, 29, 50, 60, 61, 68, 0x40, 0x44, 0x45, 0x46, 0x4f, 0x55, 0x65, 0xff],
  ...[1480, 1500, 0x1fff, 0x2000, 0x2001, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xfffe, 0xffff, 0xffff_ffff],
);
const edit = fc
  .tuple(fc.constantFrom(...headerFields), fc.oneof(edges, fc.nat(0xffff), fc.nat(0xff)))
  .map(([[offset, width], value]) => [offset, width, value] as const);

const plan: fc.Arbitrary<SlotPlan> = fc.record({
  status: mostly(1, fc.constantFrom(1 | 8, 1 | 128, 1 | 16, 1 | 4, 1 | 16 | 64, 1 | 8 | 16), fc.nat(0xffff)),
  packetType: mostly(2, fc.nat(5)),
  etherType: mostly(0x0800, fc.constantFrom(0x86dd, 0x8100, 0x0806, 0x0008)),
  vlanTci: mostly(0, fc.constantFrom(0xe000, 600, 0xffff, 0x1000)),
  linkSize: mostly(14, fc.constantFrom(0, 18)),
  optionsSize: mostly(0, fc.constantFrom(4, 8, 36, 40)),
  protocol: mostly(17, fc.constantFrom(50, 6, 1, 0, 255)),
  fragmentWord: mostly(0x4000, fc.constantFrom(0, 0x2000, 1, 0x1fff, 0x8000, 0xffff)),
  // One in five hundred is a super-frame's size: its checksum takes the reference as long as a hundred others.
  payloadSize: fc.oneof(
    { weight: 250, arbitrary: fc.nat(64) },
    { weight: 250, arbitrary: fc.nat(1472) },
    { weight: 1, arbitrary: fc.nat(65_507) },
  ),
  totalError: mostly(0, fc.integer({ min: -40, max: 40 }), fc.nat(0xffff)),
  udpSizeError: mostly(0, fc.integer({ min: -12, max: 12 }), fc.nat(0xffff)),
  ipSumError: mostly(0, fc.nat(0xffff)),
  udpSumError: mostly(0, fc.nat(0xffff)),
  hasUdpSum: mostly(true, fc.boolean()),
  padding: mostly(0, fc.nat(18)),
  cut: mostly(0, fc.nat(60), fc.nat(1500)),
  gsoType: mostly(0, fc.constantFrom(5, 3, 1, 4, 0x85, 0x80), fc.nat(255)),
  gsoSize: mostly(100, fc.constantFrom(0, 1, 8, 1472), fc.nat(0xffff)),
  edits: mostly<readonly (readonly [number, number, number])[]>([], fc.array(edit, { minLength: 1, maxLength: 3 })),
  isSummedAnew: fc.boolean(),
  flipAt: mostly(-1, fc.nat(40), fc.nat(1500)),
  flipTo: fc.nat(255),
});

test(
  "parse() says what the reference says, of every frame, and looks nowhere else",
  () => {
    const seen = new Map<string, number>();
    prove(
      fc.property(plan, (each) => {
        memory.fill(each);
        const expected = referenceParse(memory.copy());
        const found = parsed();
        if (!Bun.deepEquals(found, expected)) {
          expect(found).toEqual(expected);
        }
        const name = typeof found === "string" ? found : found.count > 1 ? "super-frame" : "accepted";
        seen.set(name, (seen.get(name) ?? 0) + 1);
      }),
      runs,
    );
    // Every refusal that parse() can say was met, and what is right was not rare.
    const met = refusals
      .filter((name) => name !== "large_slots_full")
      .map((name) => [name, (seen.get(name) ?? 0) > 50]);
    expect(met.filter(([, isMet]) => !isMet)).toEqual([]);
    expect(seen.get("accepted")).toBeGreaterThan(runs / 50);
    expect(seen.get("super-frame")).toBeGreaterThan(runs / 1000);
  },
  Infinity,
);

test("the memory these tests stand on does notice a read outside", () => {
  memory.fill(plainSlot);
  expect(() => memory.views.u16[(memory.slot - 2) / 2]).toThrow("read of 2 bytes");
  expect(() => memory.views.u8[memory.bytes.length]).toThrow("read of 1 bytes");
  expect(() => memory.onesSum(memory.address + memory.slot + 96, 10_000)).toThrow("read of 10000 bytes");
});
