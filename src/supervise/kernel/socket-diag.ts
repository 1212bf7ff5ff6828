// The UDP sockets of this host by sock_diag(7): in binary and bucket by bucket. /proc/net/udp says the same, but walks the whole
// table anew for every page of text: 118 ms for 10,000 sockets, where this takes a few.
import { NetlinkSocket } from "../../shim/netlink.ts";
import { type Failure, isFailure } from "../../shim/socket.ts";
import { netlinkFlags, parseAnswer, parseAttributes, request } from "./netlink.ts";
import { socketFilter } from "./socket-filter.ts";

/** A socket by its number, with the local address it is bound to (host order, 0: any) and its UDP port or raw protocol. */
export type BoundSocket = { address: number; port: number; inode: number; isTransparent?: boolean };

// SOCK_DIAG_BY_FAMILY, struct inet_diag_req_v2 and struct inet_diag_msg: linux/sock_diag.h, linux/inet_diag.h.
const byFamily = 20;
const questionSize = 56;
/** INET_DIAG_REQ_BYTECODE, an attribute of the question. */
const bytecodeAttribute = 1;
const attributeHeaderSize = 4;
const everyState = 0xffff_ffff;
const udp = 17;
const families = { ipv4: 2, ipv6: 10 } as const;
const place = { sourcePort: 4, farPort: 6, source: 8, inode: 68, size: 72 } as const;
/** INET_DIAG_SOCKOPT, Linux 5.10: a byte of bits, of which this one is IP_TRANSPARENT. */
const optionsAttribute = 22;
const transparentBit = 0x20;
/** The third word of an IPv4 address that IPv6 has mapped, as it lies in memory: RFC 4291, 2.5.5.2. */
const mappedWord = 0x0000_ffff;

/** What is asked while it is `ports` that matter. */
type Questions = { ports: ReadonlySet<number>; ipv4: Uint8Array; ipv6: Uint8Array };

/** One dump of UDP sockets of `family` whose local port is in `ports`, and of transparent ones. */
function dump(
  asker: NetlinkSocket,
  family: keyof typeof families,
  { ports, ...questions }: Questions,
): BoundSocket[] | Failure {
  const found: BoundSocket[] = [];
  let refused = 0;
  const failure = asker.ask(questions[family], (bytes) => {
    const answer = parseAnswer(bytes, families[family]);
    for (const { type, body } of answer.messages) {
      const socket = type === byFamily ? parseSocket(body, ports) : undefined;
      if (socket !== undefined) {
        found.push(socket);
      }
    }
    refused = answer.errno;
    return answer.isDone;
  });
  return failure ?? (refused === 0 ? found : { step: "sock_diag", errno: refused });
}

/** The question for the sockets of a family that `filter` lets through; its number is the family's. */
export function question(family: number, filter: Uint8Array): Uint8Array {
  const attributeSize = attributeHeaderSize + filter.length;
  const bytes = request(byFamily, netlinkFlags.dump, family, questionSize + attributeSize);
  const body = new DataView(bytes.buffer, bytes.length - questionSize - attributeSize);
  body.setUint8(0, family);
  body.setUint8(1, udp);
  body.setUint32(4, everyState, true);
  body.setUint16(questionSize, attributeSize, true);
  body.setUint16(questionSize + 2, bytecodeAttribute, true);
  bytes.set(filter, bytes.length - filter.length);
  return bytes;
}

function questionsFor(ports: ReadonlySet<number>): Questions {
  const filter = socketFilter(ports);
  return { ports, ipv4: question(families.ipv4, filter), ipv6: question(families.ipv6, filter) };
}

/**
 * Reads a struct inet_diag_msg; undefined for an address that no IPv4 datagram reaches and for a port not asked for, unless the
 * socket is transparent: what a TPROXY rule hands to that may have been for any address and port.
 */
export function parseSocket(body: Uint8Array, ports: ReadonlySet<number>): BoundSocket | undefined {
  if (body.length < place.size) {
    return undefined;
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const port = view.getUint16(place.sourcePort, false);
  const isTransparent = hasTransparentBit(view, body);
  const address = ports.has(port) || isTransparent ? addressOf(view) : undefined;
  const inode = view.getUint32(place.inode, true);
  return address === undefined ? undefined : { address, port, inode, ...(isTransparent ? { isTransparent } : {}) };
}

/** Looked for in sockets without a far end only: proxies wait for anybody, and our own thousands of outputs do not. */
function hasTransparentBit(view: DataView, body: Uint8Array): boolean {
  if (view.getUint16(place.farPort, false) !== 0) {
    return false;
  }
  const [bits = 0] = parseAttributes(body.subarray(place.size)).get(optionsAttribute) ?? [];
  return (bits & transparentBit) !== 0;
}

/** Host order, 0 for any. */
function addressOf(view: DataView): number | undefined {
  const word = (index: number) => view.getUint32(place.source + index * 4, false);
  if (view.getUint8(0) === families.ipv4) {
    return word(0);
  }
  const isShort = word(0) === 0 && word(1) === 0;
  if (isShort && word(2) === mappedWord) {
    return word(3);
  }
  return isShort && word(2) === 0 && word(3) === 0 ? 0 : undefined;
}

/** Asks for sockets, as often as wanted, over one descriptor. */
export class SocketDiag {
  private readonly asker: NetlinkSocket;
  private questions: Questions;

  private constructor(asker: NetlinkSocket, questions: Questions) {
    this.asker = asker;
    this.questions = questions;
  }

  /** Undefined where the kernel has no udp_diag, or none that takes our filter: the caller reads /proc/net then. */
  static open(): SocketDiag | undefined {
    const asker = NetlinkSocket.open("sockets");
    if (isFailure(asker)) {
      return undefined;
    }
    const questions = questionsFor(new Set());
    if (isFailure(dump(asker, "ipv4", questions))) {
      asker.close();
      return undefined;
    }
    return new SocketDiag(asker, questions);
  }

  /** The UDP sockets whose local port is one of `ports`, of IPv6 if there are any; undefined when the kernel does not answer. */
  udp(ports: ReadonlySet<number>, hasIpv6: boolean): BoundSocket[] | undefined {
    if (this.questions.ports !== ports) {
      this.questions = questionsFor(ports);
    }
    const four = dump(this.asker, "ipv4", this.questions);
    const six = hasIpv6 ? dump(this.asker, "ipv6", this.questions) : [];
    // A kernel without IPv6 refuses the second question.
    return isFailure(four) ? undefined : [...four, ...(isFailure(six) ? [] : six)];
  }

  close(): void {
    this.asker.close();
  }
}
