// The bytes of tc filters (tc(8), linux/rtnetlink.h, linux/pkt_cls.h), for kernels before 6.6, which have no tcx. No I/O.
import { netlinkFlags, parseAttributes, request, textOf } from "./netlink.ts";

/** One filter: `priority` and `handle` name it on its hook. */
export type Filter = { linkIndex: number; priority: number; handle: number; name: string };

const types = { newQueue: 36, deleteQueue: 37, newFilter: 44, deleteFilter: 45, getFilters: 46 } as const;
const messageSize = 20;
// struct tcmsg behind the 16 bytes of nlmsghdr.
const fields = { link: 4, handle: 8, parent: 12, info: 16 } as const;
const attributeTypes = { kind: 1, options: 2, fd: 6, name: 7, flags: 8 } as const;
const clsact = 0xffff_fff1;
const clsactHandle = 0xffff_0000;
const hooks = { ingress: 0xffff_fff2, egress: 0xffff_fff3 } as const;
// htons(ETH_P_ALL).
const allProtocols = 0x0300;
const actDirect = 1;

/** Makes the link's clsact queue, which holds the hooks; EEXIST: it is there. */
export function makeHooks(sequence: number, linkIndex: number): Uint8Array {
  return queueRequest(types.newQueue, netlinkFlags.create | netlinkFlags.exclusive, sequence, linkIndex);
}

/** Removes it with every filter on it. */
export function removeHooks(sequence: number, linkIndex: number): Uint8Array {
  return queueRequest(types.deleteQueue, 0, sequence, linkIndex);
}

function queueRequest(type: number, flags: number, sequence: number, linkIndex: number): Uint8Array {
  const fieldsOf = { link: linkIndex, handle: clsactHandle, parent: clsact, info: 0 };
  return tcRequest(type, flags, sequence, fieldsOf, [attribute(attributeTypes.kind, cString("clsact"))]);
}

/** Puts a program on the ingress hook, whose verdict is the frame's. */
export function addFilter(sequence: number, filter: Filter, programFd: number): Uint8Array {
  const options = [
    attribute(attributeTypes.fd, word(programFd)),
    attribute(attributeTypes.name, cString(filter.name)),
    attribute(attributeTypes.flags, word(actDirect)),
  ];
  return tcRequest(types.newFilter, netlinkFlags.create | netlinkFlags.exclusive, sequence, placeOf(filter), [
    attribute(attributeTypes.kind, cString("bpf")),
    attribute(attributeTypes.options, Buffer.concat(options)),
  ]);
}

/** Takes a filter off. */
export function removeFilter(sequence: number, filter: Filter): Uint8Array {
  const kind = attribute(attributeTypes.kind, cString("bpf"));
  return tcRequest(types.deleteFilter, 0, sequence, placeOf(filter), [kind]);
}

/** Asks for all filters of one hook. */
export function listFilters(sequence: number, linkIndex: number, hook: keyof typeof hooks): Uint8Array {
  const place = { link: linkIndex, handle: 0, parent: hooks[hook], info: 0 };
  return tcRequest(types.getFilters, netlinkFlags.dump, sequence, place, []);
}

/** Reads the body of a filter; `name` is empty where it has none. */
export function parseFilter(body: Uint8Array): Filter | undefined {
  if (body.length < messageSize) {
    return undefined;
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const options = parseAttributes(parseAttributes(body.subarray(messageSize)).get(attributeTypes.options));
  return {
    linkIndex: view.getInt32(fields.link, true),
    handle: view.getUint32(fields.handle, true),
    priority: view.getUint32(fields.info, true) >>> 16,
    name: textOf(options.get(attributeTypes.name)) ?? "",
  };
}

function placeOf({ linkIndex, handle, priority }: Filter) {
  return { link: linkIndex, handle, parent: hooks.ingress, info: ((priority << 16) | allProtocols) >>> 0 };
}

function tcRequest(
  type: number,
  flags: number,
  sequence: number,
  place: Record<keyof typeof fields, number>,
  attributes: readonly Uint8Array[],
): Uint8Array {
  const tail = Buffer.concat(attributes);
  const bytes = request(type, flags | netlinkFlags.acknowledge, sequence, messageSize + tail.length);
  const view = new DataView(bytes.buffer, 16);
  for (const name of ["link", "handle", "parent", "info"] as const) {
    view.setUint32(fields[name], place[name], true);
  }
  bytes.set(tail, 16 + messageSize);
  return bytes;
}

/** Type, size and value, padded to four bytes. */
function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
