// What following one frame in 64 costs: egress on a sender that takes everything, with the clock and without, in short turns that
// alternate. Nanoseconds a datagram of this half of the path alone; a relayed datagram takes about a microsecond in all.
// Usage: bun test/bench/latency-cost.ts [PAIRS]    default 40
import { pageSize } from "../../src/relay/counters.ts";
import { Egress } from "../../src/relay/egress.ts";
import { regionOrder } from "../../src/relay/ingress.ts";
import { Queue, queueMemory } from "../../src/relay/queue.ts";
import { Sends } from "../../src/relay/sends.ts";
import { shim } from "../../src/shim/library.ts";
import { noStamper } from "../helpers/egress-lab.ts";
import { memoryRegion } from "../helpers/ring-lab.ts";

const pairs = Number(process.argv[2] ?? "40");
const slotCount = 1024;
const rounds = 2_000;
const burst = 64;
const realtime = 0;

/** Runs `rounds` turns of `burst` datagrams; returns nanoseconds a datagram. */
type Run = () => number;

function build(isFollowed: boolean): Run {
  const memory = queueMemory(4096);
  const producer = new Queue(memory, "producer");
  const slotSize = 2048;
  const { region } = memoryRegion({
    address: 2 ** 33,
    slotCount,
    slotSize,
    blockSize: slotCount * slotSize,
    slotFirst: 0,
  });
  const tokens: number[] = [];
  const egress = new Egress({
    counters: new Float64Array(pageSize / 8),
    queue: new Queue(memory, "consumer"),
    sender: {
      sendsMax: 256,
      piecesMax: 64,
      to: () => undefined,
      piece: () => undefined,
      send: (index) => tokens.push(index),
    },
    sends: new Sends(256),
    stamper: noStamper,
    ...(isFollowed ? { wallUs: () => shim.mcr_clock_ns(realtime) / 1000 } : {}),
    regionOpen: () => region,
    regionClosed: () => undefined,
    socketClosed: () => undefined,
  });
  producer.put(regionOrder.attach, 0, 0, 0);
  egress.setRule(1, [{ id: 1, fd: 3, counter: 0 }], 0);
  let slot = 0;
  let nowNs = 0;
  const stampSeconds = 16;
  return () => {
    const start = performance.now();
    for (let round = 0; round < rounds; round++) {
      for (let each = 0; each < burst; each++) {
        region.views.u32[((region.slotOffsets[slot] as number) + stampSeconds) >> 2] = 1;
        producer.put(slot, 1, (64 << 16) | 1000, 1);
        slot = (slot + 1) % slotCount;
      }
      producer.publish();
      // 64 datagrams in 640 us: 100,000/s.
      nowNs += burst * 10_000;
      egress.step(1024, nowNs);
      while (egress.hasSends) {
        for (const token of tokens.splice(0)) egress.completed(token, 1000, nowNs);
        egress.proceed();
      }
    }
    return ((performance.now() - start) * 1e6) / (rounds * burst);
  };
}

const [followed, plain] = [build(true), build(false)];
for (let warm = 0; warm < 10; warm++) {
  followed();
  plain();
}
const differences: number[] = [];
const totals: number[] = [];
for (let pair = 0; pair < pairs; pair++) {
  const isFirst = pair % 2 === 0;
  const first = (isFirst ? followed : plain)();
  const second = (isFirst ? plain : followed)();
  const [a, b] = isFirst ? [first, second] : [second, first];
  differences.push(a - b);
  totals.push(b);
}
const at = (values: number[], share: number) =>
  values.sort((a, b) => a - b)[Math.round(share * (values.length - 1))] ?? 0;
const spread = (values: number[]) =>
  `${at(values, 0.5).toFixed(1)} (${at(values, 0.25).toFixed(1)} to ${at(values, 0.75).toFixed(1)})`;
console.log(`${pairs} pairs of ${rounds * burst} datagrams, one output`);
console.log(`egress without latency, ns a datagram: ${spread(totals)}`);
console.log(`what latency adds, ns a datagram:      ${spread(differences)}`);
