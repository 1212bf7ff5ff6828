// IPv4 addresses as numbers in host order. Text is the strict dotted quad of RFC 6943 section 3.1.1 and nothing else:
// `010.0.0.1` is octal to some programs and decimal to others, so here it is neither.

const octet = "(0|[1-9][0-9]{0,2})";
const dottedQuad = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`);

/** The address as an unsigned 32-bit number in host order, or undefined when `text` is not four decimal octets. */
export function parseIpv4(text: string): number | undefined {
  const match = dottedQuad.exec(text);
  if (match === null) {
    return undefined;
  }
  let address = 0;
  for (const part of match.slice(1)) {
    const value = Number(part);
    if (value > 255) {
      return undefined;
    }
    address = address * 256 + value;
  }
  return address;
}

/** The dotted quad of a host-order address. */
export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Whether the address lies in 224.0.0.0/4 (RFC 5771). */
export function isMulticast(address: number): boolean {
  return address >>> 28 === 0xe;
}

/** Whether a host can own the address: not multicast, not 0.0.0.0, not the limited broadcast address. */
export function isUnicast(address: number): boolean {
  return address !== 0 && address !== 0xffffffff && !isMulticast(address);
}
