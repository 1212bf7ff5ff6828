// The bytes of rtnetlink: questions made, answers read. No I/O. rtnetlink(7), netlink(7), linux/rtnetlink.h, linux/if_link.h.
// Netlink speaks the byte order of the host, which is little-endian on every machine Bun runs on; addresses alone are in
// network order.

/** One network interface of this machine, without its addresses. */
export type LinkRecord = {
  index: number;
  name: string;
  /** Set up by the operator, and with a carrier. */
  isUp: boolean;
  isLoopback: boolean;
  /** In bytes, without the link header. */
  mtu: number;
  /** "veth", "vlan", "bridge", …; absent for hardware. */
  kind?: string;
  /** The bridge, bond or VRF it belongs to; 0: none. */
  masterIndex: number;
  /** The link that it stands on, as a VLAN does; absent for most. */
  lowerIndex?: number;
  /** ARPHRD_* of linux/if_arp.h: what kind of link header its frames have. */
  macType: number;
};

/** One IPv4 address of a link, in host order, with the length of its prefix in bits. */
export type AddressRecord = { linkIndex: number; address: number; prefix: number };

/** One datagram of an answer. `errno` 0: none; positive: what the kernel refused with. */
export type Answer = {
  messages: { type: number; body: Uint8Array }[];
  isDone: boolean;
  /** Something changed while the table was read: parts may not fit together. */
  isInterrupted: boolean;
  errno: number;
};

/** Message types of an answer. */
export const answerTypes = { link: 16, address: 20, route: 24 } as const;

/** Link header types with 14 bytes of Ethernet header: ARPHRD_ETHER and ARPHRD_LOOPBACK. */
export const macTypes = { ethernet: 1, loopback: 772 } as const;

const requestTypes = { links: 18, addresses: 22, route: 26 } as const;
const controlTypes = { error: 2, done: 3, overrun: 4 } as const;
/** NLM_F_* of linux/netlink.h. */
export const netlinkFlags = {
  request: 0x1,
  acknowledge: 0x4,
  interrupted: 0x10,
  exclusive: 0x200,
  dump: 0x300,
  create: 0x400,
} as const;
const flags = netlinkFlags;
const headerSize = 16;
const attributeHeaderSize = 4;
const familyIpv4 = 2;

const codes = { ENOBUFS: 105, EIO: 5 } as const;

/** Asks for all links, without their counters (RTEXT_FILTER_SKIP_STATS), which are most of the bytes. */
export function linksRequest(sequence: number): Uint8Array {
  const bytes = request(requestTypes.links, flags.dump, sequence, 16 + 8);
  attribute(bytes, headerSize + 16, 29 /* IFLA_EXT_MASK */).setUint32(0, 8, true);
  return bytes;
}

/** Asks for all IPv4 addresses. */
export function addressesRequest(sequence: number): Uint8Array {
  const bytes = request(requestTypes.addresses, flags.dump, sequence, 8);
  bytes[headerSize] = familyIpv4;
  return bytes;
}

/**
 * Asks which route leads to `address` by way of a link. RTM_F_FIB_MATCH: only what stands in the tables counts; without it
 * the kernel takes any address for a neighbour when a link is named (net/ipv4/route.c, ip_route_output_key_hash_rcu).
 */
export function routeRequest(sequence: number, address: number, linkIndex: number): Uint8Array {
  const bytes = request(requestTypes.route, 0, sequence, 12 + 8 + 8);
  bytes[headerSize] = familyIpv4;
  bytes[headerSize + 1] = 32;
  new DataView(bytes.buffer).setUint32(headerSize + 8, 0x2000, true);
  attribute(bytes, headerSize + 12, 1 /* RTA_DST */).setUint32(0, address, false);
  attribute(bytes, headerSize + 20, 4 /* RTA_OIF */).setUint32(0, linkIndex, true);
  return bytes;
}

/** Takes one datagram of an answer apart. What belongs to another question is passed over; what is cut short is EIO. */
export function parseAnswer(bytes: Uint8Array, sequence: number): Answer {
  const view = viewOf(bytes);
  const answer: Answer = { messages: [], isDone: false, isInterrupted: false, errno: 0 };
  for (let at = 0; at < bytes.length && !answer.isDone; ) {
    const size = at + headerSize <= bytes.length ? view.getUint32(at, true) : 0;
    if (size < headerSize || at + size > bytes.length) {
      return { ...answer, isDone: true, errno: codes.EIO };
    }
    if (view.getUint32(at + 8, true) === sequence) {
      const body = bytes.subarray(at + headerSize, at + size);
      readMessage(answer, view.getUint16(at + 4, true), view.getUint16(at + 6, true), body);
    }
    at += aligned(size);
  }
  return answer;
}

function readMessage(answer: Answer, type: number, flagBits: number, body: Uint8Array): void {
  answer.isInterrupted ||= (flagBits & flags.interrupted) !== 0;
  if (type === controlTypes.error || type === controlTypes.done) {
    answer.isDone = true;
    answer.errno = body.length < 4 ? 0 : Math.abs(viewOf(body).getInt32(0, true));
  } else if (type === controlTypes.overrun) {
    answer.isDone = true;
    answer.errno = codes.ENOBUFS;
  } else {
    answer.messages.push({ type, body });
  }
}

// IFF_UP and IFF_LOWER_UP of linux/if.h. Not the operational state: the kernel brings that up to date up to a second later
// (net/core/link_watch.c), and a link that is set up carries frames at once.
const linkCarries = 0x1_0001;

/** Reads the body of an RTM_NEWLINK; undefined when it is not one of a link with a name. */
export function parseLink(body: Uint8Array): LinkRecord | undefined {
  if (body.length < 16) {
    return undefined;
  }
  const view = viewOf(body);
  const attributes = parseAttributes(body.subarray(16));
  const name = textOf(attributes.get(3 /* IFLA_IFNAME */));
  if (name === undefined || name === "") {
    return undefined;
  }
  const flagBits = view.getUint32(8, true);
  // A number in another namespace (veth, macvlan) names none of our links.
  const lowerIndex = attributes.has(37 /* IFLA_LINK_NETNSID */)
    ? undefined
    : numberOf(attributes.get(5 /* IFLA_LINK */));
  const kind = textOf(parseAttributes(attributes.get(18 /* IFLA_LINKINFO */)).get(1 /* IFLA_INFO_KIND */));
  return {
    index: view.getInt32(4, true),
    name,
    isUp: (flagBits & linkCarries) === linkCarries,
    isLoopback: (flagBits & 0x8) /* IFF_LOOPBACK */ !== 0,
    mtu: numberOf(attributes.get(4 /* IFLA_MTU */)) ?? 0,
    ...(kind === undefined ? {} : { kind }),
    masterIndex: numberOf(attributes.get(10 /* IFLA_MASTER */)) ?? 0,
    ...(lowerIndex === undefined ? {} : { lowerIndex }),
    macType: view.getUint16(2, true),
  };
}

/** Reads the body of an RTM_NEWADDR; undefined when it is not one of an IPv4 address. */
export function parseAddress(body: Uint8Array): AddressRecord | undefined {
  if (body.length < 8 || body[0] !== familyIpv4) {
    return undefined;
  }
  const attributes = parseAttributes(body.subarray(8));
  // On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL is ours on every link.
  const bytes = attributes.get(2 /* IFA_LOCAL */) ?? attributes.get(1 /* IFA_ADDRESS */);
  if (bytes === undefined || bytes.length < 4) {
    return undefined;
  }
  const linkIndex = viewOf(body).getUint32(4, true);
  return { linkIndex, address: viewOf(bytes).getUint32(0, false), prefix: body[1] ?? 32 };
}

/** The gateway in the body of an RTM_NEWROUTE, host order; undefined: the destination is a neighbour. */
export function parseGateway(body: Uint8Array): number | undefined {
  const bytes = parseAttributes(body.subarray(12)).get(5 /* RTA_GATEWAY */);
  return bytes === undefined || bytes.length < 4 ? undefined : viewOf(bytes).getUint32(0, false);
}

/** Attributes by type, flags of the type masked off; stops at the first that is cut short. */
export function parseAttributes(bytes: Uint8Array = new Uint8Array(0)): Map<number, Uint8Array> {
  const view = viewOf(bytes);
  const attributes = new Map<number, Uint8Array>();
  for (let at = 0; at + attributeHeaderSize <= bytes.length; ) {
    const size = view.getUint16(at, true);
    if (size < attributeHeaderSize || at + size > bytes.length) {
      break;
    }
    attributes.set(view.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + attributeHeaderSize, at + size));
    at += aligned(size);
  }
  return attributes;
}

/** A message with its header; the body of `bodySize` bytes is zeros. */
export function request(type: number, flagBits: number, sequence: number, bodySize: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headerSize + bodySize);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags.request | flagBits, true);
  view.setUint32(8, sequence, true);
  return bytes;
}

/** Writes the header of an attribute of four bytes at `at`; returns the place of its value. */
function attribute(bytes: Uint8Array<ArrayBuffer>, at: number, type: number): DataView {
  const view = new DataView(bytes.buffer, at);
  view.setUint16(0, attributeHeaderSize + 4, true);
  view.setUint16(2, type, true);
  return new DataView(bytes.buffer, at + attributeHeaderSize);
}

function numberOf(bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined || bytes.length < 4 ? undefined : viewOf(bytes).getUint32(0, true);
}

const decoder = new TextDecoder();

/** The C string of an attribute. */
export function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) {
    return undefined;
  }
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** NLMSG_ALIGN and RTA_ALIGN. */
function aligned(size: number): number {
  return (size + 3) & ~3;
}
