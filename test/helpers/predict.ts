// What must become of a frame that arrives at a veth: the kernel's part (tag, packet type, filter, reassembly) said slowly, and
// then the reference parser. On purpose without a line of src/relay/ or src/supervise/.
import { type Found, referenceParse } from "./reference.ts";

/** `unseen`: the kernel keeps it; `no_match`: right, and for nobody; another word: refused by that name; else these payloads leave. */
export type Fate = string | Uint8Array[];

/** What the one rule wants (host order), and the receiving link's Ethernet address. */
export type Wanted = { group: number; port: number; mac: Uint8Array };

const [netAt, vnetSize] = [96, 10];
const tagTypes = new Set([0x8100, 0x88a8]);

/** The fate of one frame without offloads. */
export function fateOf(sent: Uint8Array, wanted: Wanted): Fate {
  const { frame, tci } = untagged(sent);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 34 || view.getUint16(12) !== 0x0800 || typeOf(frame, wanted) === 3) return "unseen";
  if (frame[23] !== 17 || view.getUint32(30) !== wanted.group) return "unseen";
  if (isSwallowed(view)) return "unseen";
  const slot = slotOf(frame, tci, typeOf(frame, wanted));
  const found = referenceParse(slot);
  if (typeof found === "string") return found;
  return isWanted(found, wanted) ? [payloadOf(slot, found)] : "no_match";
}

function isWanted(found: Found, { group, port }: Wanted): boolean {
  return found.protocol === 17 && found.destination === group && found.port === port;
}

function payloadOf(slot: Uint8Array, { payload }: Found): Uint8Array {
  return slot.subarray(payload.offset, payload.offset + payload.size);
}

/** The outermost tag goes into the slot's metadata (net/core/skbuff.c, skb_vlan_untag). */
function untagged(frame: Uint8Array): { frame: Uint8Array; tci: number | undefined } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 18 || !tagTypes.has(view.getUint16(12))) return { frame, tci: undefined };
  return { frame: Uint8Array.from([...frame.subarray(0, 12), ...frame.subarray(16)]), tci: view.getUint16(14) };
}

/** PACKET_HOST, _BROADCAST, _MULTICAST, _OTHERHOST of packet(7). */
function typeOf(frame: Uint8Array, { mac }: Wanted): number {
  const to = frame.subarray(0, 6);
  if (to.every((byte) => byte === 0xff)) return 1;
  if (((to[0] ?? 0) & 1) === 1) return 2;
  return to.every((byte, at) => byte === mac[at]) ? 0 : 3;
}

/** A fragment whose lengths are right goes to reassembly, and never comes out alone (net/ipv4/ip_fragment.c, ip_check_defrag). */
function isSwallowed(view: DataView): boolean {
  const [headerSize, total] = [(view.getUint8(14) & 0xf) * 4, view.getUint16(16)];
  const isHeaderRight = view.getUint8(14) >> 4 === 4 && headerSize >= 20;
  const isWhole = view.byteLength >= 14 + total && total >= headerSize;
  return isHeaderRight && isWhole && (view.getUint16(20) & 0x3fff) !== 0;
}

function slotOf(frame: Uint8Array, tci: number | undefined, packetType: number): Uint8Array {
  const mac = netAt - 14;
  const slot = new Uint8Array(mac + frame.length);
  const view = new DataView(slot.buffer);
  view.setUint32(0, tci === undefined ? 1 : 1 | 16, true);
  view.setUint32(4, frame.length, true);
  view.setUint32(8, frame.length, true);
  view.setUint16(12, mac, true);
  view.setUint16(14, netAt, true);
  view.setUint16(24, tci ?? 0, true);
  view.setUint16(34, 0x0800, false);
  view.setUint8(42, packetType);
  slot.fill(0, mac - vnetSize, mac);
  slot.set(frame, mac);
  return slot;
}
