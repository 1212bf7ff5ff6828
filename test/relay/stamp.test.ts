// What leaves with its sender's address: byte for byte what the sender's own datagram would be, but for where it goes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { counterCount, outputField, outputFirst } from "../../src/relay/counters.ts";
import { Egress } from "../../src/relay/egress.ts";
import { regionOrder } from "../../src/relay/ingress.ts";
import { Queue, queueMemory } from "../../src/relay/queue.ts";
import { Sends } from "../../src/relay/sends.ts";
import { headerPlace } from "../../src/relay/stamp.ts";
import { addressBytes, ipv4, join, udp } from "../helpers/frames.ts";
import { onesSum } from "../helpers/reference.ts";
import { memoryRegion } from "../helpers/ring-lab.ts";

const [regionAt, headersAt] = [2 ** 33, 2 ** 20];
const [slotSize, slotCount, netAt, sendsMax] = [4096, 8, 96, 8];
const output = { group: "239.2.2.2", port: 5001, ttl: 7, dscp: 46 };
const stamp = { address: 0xef020202, port: output.port, protocol: 17, ttl: output.ttl, tos: output.dscp << 2 };
const emsgsize = -90;

type Packet = { source: string; sourcePort: number; optionsSize?: number; payload: Uint8Array; segment?: number };

/** Egress with one rule of one stamped output, and a kernel that keeps what it is given. */
function lab(protocol = 17) {
  const memory = queueMemory(64);
  const producer = new Queue(memory, "producer");
  const { region, bytes } = memoryRegion({
    address: regionAt,
    slotCount,
    slotSize,
    blockSize: slotCount * slotSize,
    slotFirst: 0,
  });
  const room = new ArrayBuffer(sendsMax * headerPlace);
  const headers = {
    address: headersAt,
    u8: new Uint8Array(room),
    u16: new Uint16Array(room),
    u32: new Uint32Array(room),
  };
  const at = (address: number, size: number) =>
    address >= regionAt
      ? bytes.slice(address - regionAt, address - regionAt + size)
      : headers.u8.slice(address - headersAt, address - headersAt + size);
  const pieces = new Map<number, Uint8Array[]>();
  const aimed = new Set<number>();
  const queued: { index: number; whole: Uint8Array; isChained: boolean }[] = [];
  const sender = {
    sendsMax,
    piecesMax: 64,
    to: (index: number) => {
      aimed.add(index);
    },
    piece: (index: number, piece: number, address: number, size: number) => {
      pieces.set(index, [...(pieces.get(index) ?? []).slice(0, piece), at(address, size)]);
    },
    send: (index: number, fd: number, count: number, segment: number, _token: number, isChained: boolean) => {
      const parts = pieces.get(index) ?? [];
      expect([fd, count, segment]).toEqual([9, parts.length, 0]);
      // Each time anew: who had the place before may have left an address of its own there.
      expect(aimed.delete(index)).toBe(true);
      queued.push({ index, whole: join(...parts), isChained });
    },
  };
  const counters = new Float64Array(counterCount);
  const egress = new Egress({
    ...{ counters, sender, queue: new Queue(memory, "consumer"), sends: new Sends(sendsMax) },
    stamper: { memory: headers, onesSum: (address, size) => littleEndian(onesSum(at(address, size))) },
    regionOpen: () => region,
    regionClosed: () => undefined,
    socketClosed: () => undefined,
  });
  producer.put(regionOrder.attach, 0, 0, 0);
  egress.setRule(1, [
    { id: 1, fd: 9, counter: 0, stamp: { ...stamp, protocol, port: protocol === 17 ? stamp.port : 0 } },
  ]);
  let slot = 0;
  const put = ({ source, sourcePort, optionsSize = 0, payload, segment = 0 }: Packet) => {
    const flow = { source, sourcePort, destination: "239.1.1.1", destinationPort: 5000 };
    const body = protocol === 17 ? udp(flow, payload) : payload;
    const packet = ipv4({ source, destination: "239.1.1.1", protocol, options: new Uint8Array(optionsSize) }, body);
    bytes.set(packet, slot * slotSize + netAt);
    new DataView(bytes.buffer).setUint16(slot * slotSize + 14, netAt, true);
    const offset = netAt + packet.length - payload.length;
    const count = segment === 0 ? 1 : Math.ceil(payload.length / segment);
    producer.put(slot, 1, (offset << 16) | payload.length, (segment << 16) | count);
    producer.publish();
    slot++;
  };
  /** What was queued since the last call; each is completed with what `answer` says. */
  const run = (answer = (whole: Uint8Array, _at: number) => whole.length) => {
    const some = queued.splice(0);
    for (const [place, { index, whole }] of some.entries()) egress.completed(index, answer(whole, place), 1);
    egress.proceed();
    return some;
  };
  const counted = (field: keyof typeof outputField) => counters[outputFirst + outputField[field]];
  return { egress, put, run, counted };
}

/** A sum of words as a little-endian machine makes it: RFC 1071, 2 (B). */
function littleEndian(sum: number): number {
  return ((sum & 0xff) << 8) | (sum >> 8);
}

/** The datagram as it has to leave; the kernel's own fields (total size, identification, checksum) are 0. */
function wanted(source: string, sourcePort: number, payload: Uint8Array): Uint8Array {
  const body = udp({ source, sourcePort, destination: output.group, destinationPort: output.port }, payload);
  const head = Uint8Array.of(0x45, output.dscp << 2, 0, 0, 0, 0, 0, 0, output.ttl, 17, 0, 0);
  return join(head, addressBytes(source), addressBytes(output.group), body);
}

test("each datagram leaves behind its sender's address and port with a right checksum, whatever is in it", () => {
  const packet = fc.record({
    source: fc.ipV4().filter((address) => address !== "0.0.0.0"),
    sourcePort: fc.integer({ min: 0, max: 65_535 }),
    optionsSize: fc.constantFrom(0, 4, 40),
    payload: fc.uint8Array({ maxLength: 100 }),
  });
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: slotCount }), (packets) => {
      const { egress, put, run } = lab();
      for (const each of packets) put(each);
      egress.step(64, 1);
      const sent = run();
      expect(sent.map(({ whole }) => whole.toHex())).toEqual(
        packets.map(({ source, sourcePort, payload }) => wanted(source, sourcePort, payload).toHex()),
      );
      // In order: each waits for the one before it.
      expect(sent.map(({ isChained }) => isChained)).toEqual(sent.map((_, at) => at < sent.length - 1));
      expect(egress.isDrained).toBe(true);
    }),
  );
});

test("a checksum that comes out as 0 is sent as all ones: 0 would say that there is none", () => {
  const { egress, put, run } = lab();
  const empty = wanted("10.0.0.1", 1, Uint8Array.of(0, 0));
  put({ source: "10.0.0.1", sourcePort: 1, payload: empty.slice(26, 28) });
  egress.step(64, 1);
  expect([...(run()[0]?.whole.slice(26, 28) ?? [])]).toEqual([0xff, 0xff]);
});

test("who has no address yet is sent without a checksum: the kernel puts in an address that the sum would not know", () => {
  const { egress, put, run } = lab();
  put({ source: "0.0.0.0", sourcePort: 68, payload: Uint8Array.of(1, 2, 3) });
  egress.step(64, 1);
  const [sent] = run();
  expect([...(sent?.whole.subarray(20) ?? [])]).toEqual([0, 68, 5001 >> 8, 5001 & 0xff, 0, 11, 0, 0, 1, 2, 3]);
});

test("a super-frame is taken apart, more datagrams than fit a chain and the last of them shorter", () => {
  const { egress, put, run, counted } = lab();
  const payload = Uint8Array.from({ length: 19 * 100 + 7 }, (_, at) => at & 0xff);
  put({ source: "10.0.0.1", sourcePort: 9, payload, segment: 100 });
  put({ source: "10.0.0.2", sourcePort: 8, payload: payload.slice(0, 5) });
  egress.step(64, 1);
  const sent: string[] = [];
  for (let round = 0; round < 9; round++) sent.push(...run().map(({ whole }) => whole.toHex()));
  const parts = Array.from({ length: 20 }, (_, at) => wanted("10.0.0.1", 9, payload.slice(at * 100, at * 100 + 100)));
  expect(sent).toEqual([...parts, wanted("10.0.0.2", 8, payload.slice(0, 5))].map((each) => each.toHex()));
  expect([counted("sent"), counted("sentBytes"), egress.isDrained]).toEqual([21, payload.length + 5, true]);
});

test("super-frames one behind the other are each taken apart from their start", () => {
  const { egress, put, run } = lab();
  const payloads = [1, 2, 3].map((byte) => new Uint8Array(150).fill(byte));
  for (const payload of payloads) put({ source: "10.0.0.1", sourcePort: 9, payload, segment: 100 });
  egress.step(64, 1);
  const parts = payloads.flatMap((payload) => [payload.slice(0, 100), payload.slice(100)]);
  expect(run().map(({ whole }) => whole.toHex())).toEqual(parts.map((part) => wanted("10.0.0.1", 9, part).toHex()));
});

test("ESP has an IP header and no ports", () => {
  const { egress, put, run, counted } = lab(50);
  const payload = Uint8Array.from({ length: 60 }, (_, at) => at);
  put({ source: "10.0.0.1", sourcePort: 0, payload });
  egress.step(64, 1);
  const [sent] = run();
  expect(sent?.whole.length).toBe(80);
  expect(sent?.whole[9]).toBe(50);
  expect(sent?.whole.slice(12, 20)).toEqual(join(addressBytes("10.0.0.1"), addressBytes(output.group)));
  expect(sent?.whole.slice(20)).toEqual(payload);
  expect(counted("sentBytes")).toBe(60);
});

test("what is larger than the MTU is dropped by that name after a second try, and what comes behind it leaves", () => {
  const { egress, put, run, counted } = lab();
  for (const size of [10, 2000, 20]) put({ source: "10.0.0.1", sourcePort: 1, payload: new Uint8Array(size) });
  egress.step(64, 1);
  const canceled = -125;
  let isBroken = false;
  const kernel = (whole: Uint8Array, place: number) => {
    isBroken = place > 0 && isBroken;
    if (isBroken) return canceled;
    isBroken = whole.length > 1500;
    return isBroken ? emsgsize : whole.length;
  };
  const sizes: number[][] = [];
  for (let round = 0; round < 4; round++) sizes.push(run(kernel).map(({ whole }) => whole.length - 28));
  expect(sizes).toEqual([[10, 2000, 20], [2000, 20], [20], []]);
  expect([counted("sent"), counted("droppedTooLarge"), counted("dropped"), counted("failed")]).toEqual([2, 1, 1, 0]);
  expect(egress.isDrained).toBe(true);
});
