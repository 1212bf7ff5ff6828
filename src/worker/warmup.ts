// Before the first real frame: the packet's path, run a few thousand times over frames of our own making, so that the JIT has
// compiled it. A cold worker takes ten times as long for a datagram, and a stream that begins at full rate would not wait.
import { swap16 } from "../base/byte-order.ts";
import { limits } from "../limits.ts";
import { Capture } from "../relay/capture.ts";
import { pageSize } from "../relay/counters.ts";
import { Egress } from "../relay/egress.ts";
import { Ingress } from "../relay/ingress.ts";
import { LargeSlots } from "../relay/large.ts";
import { MatchTable } from "../relay/match.ts";
import { protocols } from "../relay/parse.ts";
import { Queue, queueMemory } from "../relay/queue.ts";
import { Region, slotIsOurs } from "../relay/region.ts";
import { Sends } from "../relay/sends.ts";
import { headerPlace, type Stamper } from "../relay/stamp.ts";
import { type Mapped, map, onesSumAt } from "../shim/memory.ts";
import { stamperOn } from "./parts.ts";

const slotSize = 2048;
const slotCount = 64;
const macAt = 82;
const netAt = 96;
const udpAt = netAt + 20;
const payloadSize = 1000;
const checksumPartial = 1 << 3;
const stampSeconds = 1;
// 239.0.0.1, 10.0.0.1 and port 5000 as they lie in memory.
const groupWord = 0x010000ef;
const sourceWord = 0x0100000a;
const port = 5000;

/** Runs `limits.warmUpRounds` turns of 64 frames. Touches no socket, and nothing that lives on. */
export function warmUp(): void {
  const memory = map(slotCount * slotSize);
  const page = map(pageSize);
  const region = new Region(
    {
      address: Number(memory.pointer),
      size: memory.size,
      slotCount,
      slotSize,
      blockSize: slotCount * slotSize,
      slotFirst: 0,
    },
    memory,
  );
  const headers = map(limits.sendsMax * headerPlace);
  const run = path(region, page.f64, stamperOn(headers));
  for (let round = 0; round < limits.warmUpRounds; round++) {
    fill(memory, round);
    run(round);
  }
  memory.close();
  page.close();
  headers.close();
}

/** Both halves on a sender that takes everything; returns one turn of them. */
function path(region: Region, counters: Float64Array, stamper: Stamper): (round: number) => void {
  const shared = queueMemory(slotCount * 4);
  const tokens: number[] = [];
  const sender = {
    sendsMax: limits.sendsMax,
    piecesMax: limits.sendPiecesMax,
    to: () => undefined,
    piece: () => undefined,
    send: (index: number) => {
      tokens.push(index);
    },
  };
  const egress = new Egress({
    counters,
    queue: new Queue(shared, "consumer"),
    sender,
    sends: new Sends(limits.sendsMax),
    stamper: stamper,
    wallUs: () => stampSeconds * 1e6 + 100,
    regionOpen: () => region,
    regionClosed: () => undefined,
    socketClosed: () => undefined,
  });
  const ingress = new Ingress({
    counters,
    queue: new Queue(shared, "producer"),
    onesSum: onesSumAt,
    large: new LargeSlots(region, () => 0),
    wake: () => undefined,
  });
  const capture = new Capture(1, -1, region, 0, 0);
  capture.rules = new MatchTable([
    {
      ...{ serial: 1, counter: 0, protocol: protocols.udp, linkRank: 0 },
      ...{
        destinationWord: groupWord,
        destinationBits: 32,
        sourceWord: 0,
        sourceBits: 0,
        portFirst: port,
        portLast: port,
      },
    },
  ]);
  ingress.attach(capture, 0);
  egress.setRule(1, [
    { id: 1, fd: 0, counter: 0 },
    { id: 2, fd: 0, counter: 1 },
  ]);
  return (round) => {
    ingress.step(limits.turnFramesMax, round);
    egress.step(limits.turnEntriesMax, round);
    while (egress.hasSends) {
      for (const token of tokens.splice(0)) {
        egress.completed(token, payloadSize, round);
      }
      egress.proceed();
    }
  };
}

/** Puts a datagram into every slot, as the kernel would. Sizes change now and then, so that both kinds of batch occur. */
function fill(memory: Mapped, round: number): void {
  const { u8, u16, u32 } = memory;
  const address = Number(memory.pointer);
  for (let slot = 0; slot < slotCount; slot++) {
    const at = slot * slotSize;
    const size = payloadSize - (round % 3 === 0 ? slot : 0);
    const total = 28 + size;
    u32[(at + 4) >> 2] = total + netAt - macAt;
    u32[(at + 8) >> 2] = total + netAt - macAt;
    u32[(at + 16) >> 2] = stampSeconds;
    u16[(at + 12) >> 1] = macAt;
    u16[(at + 14) >> 1] = netAt;
    u16[(at + 34) >> 1] = 0x0008;
    u8[at + netAt] = 0x45;
    u8[at + netAt + 8] = 1;
    u8[at + netAt + 9] = protocols.udp;
    u16[(at + netAt + 2) >> 1] = swap16(total);
    u32[(at + netAt + 12) >> 2] = sourceWord;
    u32[(at + netAt + 16) >> 2] = groupWord;
    u16[(at + netAt + 10) >> 1] = 0;
    u16[(at + netAt + 10) >> 1] = ~onesSumAt(address + at + netAt, udpAt - netAt) & 0xffff;
    u16[(at + udpAt + 2) >> 1] = swap16(port);
    u16[(at + udpAt + 4) >> 1] = swap16(size + 8);
    u32[at >> 2] = slotIsOurs | checksumPartial;
  }
}
