// A slot of a TPACKET_V2 ring as the kernel leaves it, in memory that notices who looks where nothing is his to see.
import type { RegionViews } from "../../src/relay/region.ts";
import { onesSum } from "./reference.ts";

/** What goes into one slot; sizes in bytes. What is not named is as a healthy multicast UDP frame has it. */
export type SlotPlan = {
  status: number;
  packetType: number;
  etherType: number;
  vlanTci: number;
  linkSize: number;
  optionsSize: number;
  protocol: number;
  fragmentWord: number;
  payloadSize: number;
  /** Added to what the headers ought to say. */
  totalError: number;
  udpSizeError: number;
  ipSumError: number;
  udpSumError: number;
  hasUdpSum: boolean;
  /** Bytes behind the IP datagram: link padding. */
  padding: number;
  /** Bytes of the frame that did not fit the slot. */
  cut: number;
  gsoType: number;
  gsoSize: number;
  /** Fields of the headers that say something else: [byte offset from the IP header, bytes wide, value]. */
  edits: readonly (readonly [offset: number, width: number, value: number])[];
  /** Checksums are made anew after the edits, as the edited lengths have it. */
  isSummedAnew: boolean;
  /** One byte of the frame, from the IP header on, that is something else (after checksums were made); -1: none. */
  flipAt: number;
  flipTo: number;
};

export const plainSlot: SlotPlan = {
  status: 1,
  packetType: 2,
  etherType: 0x0800,
  vlanTci: 0,
  linkSize: 14,
  optionsSize: 0,
  protocol: 17,
  fragmentWord: 0x4000,
  payloadSize: 100,
  totalError: 0,
  udpSizeError: 0,
  ipSumError: 0,
  udpSumError: 0,
  hasUdpSum: true,
  padding: 0,
  cut: 0,
  gsoType: 0,
  gsoSize: 0,
  edits: [],
  isSummedAnew: false,
  flipAt: -1,
  flipTo: 0,
};

export const slotAddresses = { source: 0x0a000102, destination: 0xef010203, sourcePort: 4000, port: 5004 } as const;

const netAt = 96;
/** The largest IPv4 datagram, and everything around it. */
const memorySize = 68 * 1024;

/** Memory with one slot at its end. `views` throw on a read outside of the slot's headers and its frame. */
export class SlotMemory {
  readonly bytes = new Uint8Array(memorySize);
  readonly views: RegionViews;
  /** Where C would find the memory. */
  readonly address = 2 ** 40;
  slot = 0;
  private frameFrom = 0;
  private frameTo = 0;

  constructor() {
    const { buffer } = this.bytes;
    this.views = {
      u8: this.watched(this.bytes, 1),
      u16: this.watched(new Uint16Array(buffer), 2),
      u32: this.watched(new Uint32Array(buffer), 4),
      i32: this.watched(new Int32Array(buffer), 4),
    };
  }

  /** Fills the slot; it ends where the memory ends, and everything before it is noise. */
  fill(plan: SlotPlan): void {
    const { mac, captured } = measure(plan);
    const size = (mac + captured + 15) & ~15;
    this.bytes.fill(0xa5, this.slot);
    this.slot = memorySize - size;
    this.bytes.fill(0xa5, this.slot);
    writeSlot(this.bytes, this.slot, plan);
    this.frameFrom = mac - 10;
    this.frameTo = mac + captured;
  }

  /** The slot alone, for who reads it slowly. */
  copy(): Uint8Array {
    return this.bytes.slice(this.slot);
  }

  /** The shim's sum: 16-bit words as the machine loads them. */
  readonly onesSum = (address: number, size: number): number => {
    const from = address - this.address;
    this.look(from, size);
    const sum = onesSum(this.bytes.subarray(from, from + size));
    return ((sum & 0xff) << 8) | (sum >> 8);
  };

  private look(at: number, size: number): void {
    const [from, to] = [at - this.slot, at - this.slot + size];
    const isHeader = from >= 0 && to <= 52;
    const isFrame = from >= this.frameFrom && to <= this.frameTo;
    if (!isHeader && !isFrame) {
      throw new Error(`read of ${size} bytes at ${from}: the frame lies from ${this.frameFrom} to ${this.frameTo}`);
    }
  }

  private watched<View extends object>(view: View, width: number): View {
    return new Proxy(view, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof name === "string") {
          this.look(Number(name) * width, width);
        }
        return value;
      },
    });
  }
}

function measure(plan: SlotPlan): { frame: Uint8Array; mac: number; captured: number } {
  const frame = frameOf(plan);
  return { frame, mac: netAt - plan.linkSize, captured: Math.max(0, frame.length - plan.cut) };
}

/** Writes the slot at byte `slot`, all but its memory's noise; the status word last, as the kernel does. */
export function writeSlot(bytes: Uint8Array, slot: number, plan: SlotPlan): void {
  const { frame, mac, captured } = measure(plan);
  const view = new DataView(bytes.buffer, bytes.byteOffset + slot);
  view.setUint32(4, frame.length, true);
  view.setUint32(8, captured, true);
  view.setUint16(12, mac, true);
  view.setUint16(14, netAt, true);
  view.setUint16(24, plan.vlanTci, true);
  view.setUint16(32, 17, true);
  view.setUint16(34, plan.etherType, false);
  view.setUint8(32 + 10, plan.packetType);
  bytes.set(vnetOf(plan), slot + mac - 10);
  bytes.set(frame.subarray(0, captured), slot + mac);
  view.setUint32(0, plan.status, true);
}

/** The frame with its virtio_net_hdr, as a read of the socket brings it. */
export function wholeFrame(plan: SlotPlan): Uint8Array {
  return Uint8Array.from([...vnetOf(plan), ...frameOf(plan)]);
}

/** struct virtio_net_hdr. */
function vnetOf(plan: SlotPlan): Uint8Array {
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  view.setUint8(1, plan.gsoType);
  view.setUint16(4, plan.gsoSize, true);
  return bytes;
}

function frameOf(plan: SlotPlan): Uint8Array {
  const headerSize = 20 + plan.optionsSize;
  const transportSize = (plan.protocol === 17 ? 8 : 0) + plan.payloadSize;
  const total = headerSize + transportSize;
  const frame = new Uint8Array(plan.linkSize + total + plan.padding);
  const ip = frame.subarray(plan.linkSize);
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  for (let at = headerSize; at < ip.length; at++) ip[at] = (at * 31) & 0xff;
  ip.fill(1, 20, headerSize);
  view.setUint8(0, 0x40 | (headerSize / 4));
  view.setUint16(2, (total + plan.totalError) & 0xffff);
  view.setUint16(6, plan.fragmentWord);
  view.setUint8(8, 16);
  view.setUint8(9, plan.protocol);
  view.setUint32(12, slotAddresses.source);
  view.setUint32(16, slotAddresses.destination);
  view.setUint16(10, 0);
  view.setUint16(10, (0xffff - onesSum(ip.subarray(0, headerSize)) + plan.ipSumError) & 0xffff);
  if (plan.protocol === 17) {
    writeUdp(plan, ip, headerSize, transportSize);
  }
  for (const edit of plan.edits) {
    writeField(view, edit);
  }
  if (plan.isSummedAnew) {
    sumAnew(ip);
  }
  if (plan.flipAt >= 0) {
    ip[plan.flipAt % ip.length] = plan.flipTo;
  }
  return frame;
}

function writeField(view: DataView, [offset, width, value]: SlotPlan["edits"][number]): void {
  for (let at = 0; at < width && offset + at < view.byteLength; at++) {
    view.setUint8(offset + at, (value / 256 ** (width - 1 - at)) & 0xff);
  }
}

/** Both checksums, over what the headers now say as far as it is there: the lie is not found at the door. */
function sumAnew(ip: Uint8Array): void {
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  const headerSize = ((ip[0] ?? 0) % 16) * 4;
  if (ip.length < 20) return;
  view.setUint16(10, 0);
  view.setUint16(10, 0xffff - onesSum(ip.subarray(0, headerSize)));
  if (ip[9] !== 17 || ip.length < headerSize + 8) return;
  const said = view.getUint16(headerSize + 4);
  view.setUint16(headerSize + 6, 0);
  const pseudo = [...ip.subarray(12, 20), 0, 17, said >> 8, said & 0xff];
  const sum = onesSum(Uint8Array.from([...pseudo, ...ip.subarray(headerSize, headerSize + said)]));
  view.setUint16(headerSize + 6, 0xffff - sum || 0xffff);
}

function writeUdp(plan: SlotPlan, ip: Uint8Array, at: number, size: number): void {
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  const said = (size + plan.udpSizeError) & 0xffff;
  view.setUint16(at, slotAddresses.sourcePort);
  view.setUint16(at + 2, slotAddresses.port);
  view.setUint16(at + 4, said);
  view.setUint16(at + 6, 0);
  const pseudo = [...ip.subarray(12, 20), 0, 17, said >> 8, said & 0xff];
  const sum = 0xffff - onesSum(Uint8Array.from([...pseudo, ...ip.subarray(at, at + said)]));
  // RFC 768: a sum of zero is sent as all ones.
  view.setUint16(at + 6, plan.hasUdpSum ? ((sum || 0xffff) + plan.udpSumError) & 0xffff : 0);
}
