// What a captured frame is, said slowly: byte by byte from packet(7), RFC 791, RFC 768, RFC 1071 and the virtio standard (5.1.6),
// without a line of src/relay/parse.ts. The order of the questions is the contract: the first one that fails names the refusal.
import type { RefusalName } from "../../src/relay/counters.ts";

/** Addresses and port in host order; `payload` from the slot's start. */
export type Found = {
  source: number;
  destination: number;
  port: number;
  protocol: number;
  payload: { offset: number; size: number };
  segmentSize: number;
  count: number;
};

const statusBits = { checksumNotReady: 8, vlanValid: 16, checksumValid: 128 };
const packetTypes = { otherHost: 3, outgoing: 4 };
const gso = { none: 0, udp: 3, udpL4: 5, ecn: 0x80 };

/** Takes the slot apart; `bytes` is the slot alone. */
export function referenceParse(bytes: Uint8Array): Found | RefusalName {
  const slot = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const status = slot.getUint32(0, true);
  const length = slot.getUint32(4, true);
  const captured = slot.getUint32(8, true);
  const mac = slot.getUint16(12, true);
  const net = slot.getUint16(14, true);
  const linkProtocol = slot.getUint16(32 + 2, false);
  const packetType = slot.getUint8(32 + 10);
  if (packetType === packetTypes.outgoing) return "own_transmission";
  if (linkProtocol !== 0x0800) return "not_ipv4";
  if ((status & statusBits.vlanValid) !== 0 && (slot.getUint16(24, true) & 0x0fff) !== 0) return "vlan";
  if (packetType === packetTypes.otherHost) return "other_host";
  const ip = bytes.subarray(net, Math.max(net, mac + captured));
  if (ip.length < 20) return captured < length ? "truncated" : "ip_header";
  const datagram = referenceIp(ip);
  if (typeof datagram === "string") return datagram;
  const gsoType = slot.getUint8(mac - 10 + 1) & ~gso.ecn;
  const gsoSize = slot.getUint16(mac - 10 + 4, true);
  const { size } = datagram.payload;
  const found = { ...datagram, payload: { offset: net + datagram.payload.offset, size }, segmentSize: 0, count: 1 };
  if (gsoType === gso.udpL4) {
    if (gsoSize === 0 || datagram.protocol !== 17) return "super_frame";
    if (size <= gsoSize) return found;
    return { ...found, segmentSize: gsoSize, count: Math.ceil(size / gsoSize) };
  }
  if (gsoType !== gso.none && gsoType !== gso.udp) return "super_frame";
  const isVouchedFor = (status & (statusBits.checksumNotReady | statusBits.checksumValid)) !== 0;
  if (!isVouchedFor && datagram.protocol === 17 && !isUdpRight(ip)) return "udp_checksum";
  return found;
}

function referenceIp(ip: Uint8Array): Omit<Found, "segmentSize" | "count"> | RefusalName {
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  const headerSize = (view.getUint8(0) % 16) * 4;
  const total = view.getUint16(2);
  if (Math.floor(view.getUint8(0) / 16) !== 4 || headerSize < 20 || total < headerSize) return "ip_header";
  if (total > ip.length) return "truncated";
  if (onesSum(ip.subarray(0, headerSize)) !== 0xffff) return "ip_checksum";
  const [mayHaveMore, offset] = [(view.getUint16(6) & 0x2000) !== 0, view.getUint16(6) & 0x1fff];
  if (mayHaveMore || offset > 0) return "fragment";
  const protocol = view.getUint8(9);
  const addresses = { source: view.getUint32(12), destination: view.getUint32(16), protocol };
  if (protocol === 50) {
    return { ...addresses, port: 0, payload: { offset: headerSize, size: total - headerSize } };
  }
  if (protocol !== 17) return "protocol";
  if (total - headerSize < 8) return "udp_length";
  const udpSize = view.getUint16(headerSize + 4);
  if (udpSize < 8 || udpSize > total - headerSize) return "udp_length";
  const payload = { offset: headerSize + 8, size: udpSize - 8 };
  return { ...addresses, port: view.getUint16(headerSize + 2), payload };
}

/** RFC 768: pseudo-header, header and payload sum to all ones; a checksum of 0 was never made. */
function isUdpRight(ip: Uint8Array): boolean {
  const headerSize = ((ip[0] ?? 0) % 16) * 4;
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  const size = view.getUint16(headerSize + 4);
  if (view.getUint16(headerSize + 6) === 0) return true;
  const pseudo = [...ip.subarray(12, 20), 0, 17, size >> 8, size & 0xff];
  return onesSum(Uint8Array.from([...pseudo, ...ip.subarray(headerSize, headerSize + size)])) === 0xffff;
}

/** RFC 1071, in network order; an odd last byte is followed by a zero. */
export function onesSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    sum = (sum % 65_536) + Math.floor(sum / 65_536);
  }
  return sum;
}
