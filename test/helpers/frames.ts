// Builds Ethernet frames byte by byte, right ones and broken ones, for tests of parsers and for injection (rawsend.ts).
// Written from the RFCs, on purpose without a line of src/: a shared mistake would hide itself.

type Bytes = Uint8Array<ArrayBuffer>;

export const protocols = { igmp: 2, tcp: 6, udp: 17, esp: 50 } as const;
export const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, serviceVlan: 0x88a8, ipv6: 0x86dd } as const;

/** "239.1.2.3" -> 4 bytes. */
export function addressBytes(address: string): Bytes {
  return Uint8Array.from(address.split(".").map(Number));
}

/** "02:00:00:00:00:01" -> 6 bytes. */
export function macBytes(mac: string): Bytes {
  return Uint8Array.from(mac.split(":").map((part) => Number.parseInt(part, 16)));
}

/** The Ethernet address of a group: 01:00:5e and its low 23 bits (RFC 1112, 6.4). */
export function groupMac(group: string): string {
  const [, b = 0, c = 0, d = 0] = addressBytes(group);
  return [0x01, 0x00, 0x5e, b & 0x7f, c, d].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The Internet checksum of all parts laid end to end (RFC 1071), host order; every part but the last has an even size. */
export function checksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (const [at, byte] of part.entries()) sum += at % 2 === 0 ? byte << 8 : byte;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

export type VlanTag = { id: number; priority?: number; type?: number };

export type EthernetFields = { destination: string; source?: string; type?: number; vlans?: readonly VlanTag[] };

/** An Ethernet frame; tags are written outermost first. Not padded to 60 bytes: veth does not ask for it. */
export function ethernet(fields: EthernetFields, body: Uint8Array): Bytes {
  const tags = (fields.vlans ?? []).flatMap(({ id, priority = 0, type = etherTypes.vlan }) => [
    u16(type),
    u16((priority << 13) | id),
  ]);
  const source = macBytes(fields.source ?? "02:00:00:00:00:01");
  return join(macBytes(fields.destination), source, ...tags, u16(fields.type ?? etherTypes.ipv4), body);
}

export type Ipv4Fields = {
  source: string;
  destination: string;
  /** Default UDP. */
  protocol?: number;
  ttl?: number;
  identification?: number;
  dontFragment?: boolean;
  moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  fragmentOffset?: number;
  /** Padded with end-of-options to a multiple of 4. */
  options?: Uint8Array;
  /** Lies, for what must be refused: the fields as they stand in the header. */
  version?: number;
  headerWords?: number;
  totalLength?: number;
  headerChecksum?: number;
};

/** An IPv4 packet (RFC 791), right unless a field lies. */
export function ipv4(fields: Ipv4Fields, body: Uint8Array): Bytes {
  const options = padded(fields.options ?? new Uint8Array(0), 4);
  const words = fields.headerWords ?? 5 + options.length / 4;
  const flags = (fields.dontFragment ? 0x4000 : 0) | (fields.moreFragments ? 0x2000 : 0);
  const header = join(
    Uint8Array.of(((fields.version ?? 4) << 4) | words, 0),
    u16(fields.totalLength ?? 20 + options.length + body.length),
    u16(fields.identification ?? 0),
    u16(flags | ((fields.fragmentOffset ?? 0) / 8)),
    Uint8Array.of(fields.ttl ?? 1, fields.protocol ?? protocols.udp),
    u16(0),
    addressBytes(fields.source),
    addressBytes(fields.destination),
    options,
  );
  header.set(u16(fields.headerChecksum ?? checksum(header)), 10);
  return join(header, body);
}

/** `flow` is where a datagram comes from and goes to. */
export type Flow = { source: string; destination: string; sourcePort: number; destinationPort: number };

/** "none" writes 0, which IPv4 allows (RFC 768); "wrong" is off by one; a number stands as it is. */
export type UdpLies = { length?: number; checksum?: "right" | "none" | "wrong" | number };

/** A UDP header and payload (RFC 768), with the checksum over the pseudo header. */
export function udp(flow: Flow, payload: Uint8Array, lies: UdpLies = {}): Bytes {
  const length = u16(lies.length ?? 8 + payload.length);
  const ports = join(u16(flow.sourcePort), u16(flow.destinationPort));
  const pseudo = join(
    addressBytes(flow.source),
    addressBytes(flow.destination),
    Uint8Array.of(0, protocols.udp),
    length,
  );
  // A sum of 0 is sent as all ones: 0 means that there is none.
  const right = checksum(pseudo, ports, length, u16(0), payload) || 0xffff;
  const stated = { right, none: 0, wrong: (right + 1) & 0xffff || 1 };
  const wanted = lies.checksum ?? "right";
  return join(ports, length, u16(typeof wanted === "number" ? wanted : stated[wanted]), payload);
}

export type FrameLies = { ethernet?: Partial<EthernetFields>; ipv4?: Partial<Ipv4Fields>; udp?: UdpLies };

/** A whole frame of one datagram; to a group it carries the group's Ethernet address, else 02:00:00:00:00:02. */
export function udpFrame(flow: Flow, payload: Uint8Array, lies: FrameLies = {}): Bytes {
  const packet = ipv4({ ...ends(flow), ...lies.ipv4 }, udp(flow, payload, lies.udp));
  return ethernet({ destination: macFor(flow.destination), ...lies.ethernet }, packet);
}

/** The same datagram as fragments of at most `bodySizeMax` bytes each (rounded down to a multiple of 8), in order. */
export function fragmentFrames(flow: Flow, payload: Uint8Array, bodySizeMax: number, lies: FrameLies = {}): Bytes[] {
  const body = udp(flow, payload, lies.udp);
  const step = bodySizeMax - (bodySizeMax % 8);
  const frames: Bytes[] = [];
  for (let offset = 0; offset < body.length; offset += step) {
    const fields = { ...ends(flow), identification: 1, ...lies.ipv4, fragmentOffset: offset };
    const packet = ipv4(
      { ...fields, moreFragments: offset + step < body.length },
      body.subarray(offset, offset + step),
    );
    frames.push(ethernet({ destination: macFor(flow.destination), ...lies.ethernet }, packet));
  }
  return frames;
}

/** An ESP packet (RFC 4303): SPI, sequence number, then what only the two ends can read. */
export function espFrame(
  source: string,
  destination: string,
  spi: number,
  sequence: number,
  secret: Uint8Array,
): Bytes {
  const body = join(u32(spi), u32(sequence), secret);
  return ethernet({ destination: macFor(destination) }, ipv4({ source, destination, protocol: protocols.esp }, body));
}

/** A TCP SYN: 20 bytes that a relay of datagrams must leave alone. */
export function tcpFrame(flow: Flow): Bytes {
  const ports = join(u16(flow.sourcePort), u16(flow.destinationPort));
  const segment = join(ports, u32(1), u32(0), Uint8Array.of(0x50, 0x02), u16(65535), u16(0), u16(0));
  const pseudo = join(
    addressBytes(flow.source),
    addressBytes(flow.destination),
    Uint8Array.of(0, protocols.tcp),
    u16(20),
  );
  segment.set(u16(checksum(pseudo, segment)), 16);
  return ethernet({ destination: macFor(flow.destination) }, ipv4({ ...ends(flow), protocol: protocols.tcp }, segment));
}

/** An ARP request for `target` (RFC 826). */
export function arpFrame(source: string, target: string, mac = "02:00:00:00:00:01"): Bytes {
  const head = join(u16(1), u16(etherTypes.ipv4), Uint8Array.of(6, 4), u16(1));
  const body = join(head, macBytes(mac), addressBytes(source), new Uint8Array(6), addressBytes(target));
  return ethernet({ destination: "ff:ff:ff:ff:ff:ff", source: mac, type: etherTypes.arp }, body);
}

/** A payload that tells its place and its number: byte i of datagram n is (n + 31 i) mod 256. */
export function patternPayload(size: number, number = 0): Bytes {
  return Uint8Array.from({ length: size }, (_, at) => (number + 31 * at) & 0xff);
}

function macFor(destination: string): string {
  const first = Number(destination.split(".")[0]);
  return first >= 224 && first < 240 ? groupMac(destination) : "02:00:00:00:00:02";
}

function ends({ source, destination }: Flow): { source: string; destination: string } {
  return { source, destination };
}

/** Lays parts end to end. */
export function join(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Network byte order. */
export function u16(value: number): Bytes {
  return Uint8Array.of(value >>> 8, value);
}

/** Network byte order. */
export function u32(value: number): Bytes {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function padded(bytes: Uint8Array, multiple: number): Bytes {
  return join(bytes, new Uint8Array((multiple - (bytes.length % multiple)) % multiple));
}
