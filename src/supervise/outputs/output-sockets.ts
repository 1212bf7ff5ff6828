// Output sockets: one connected socket for each output (UDP, or raw for ESP), made where the privileges are. An output that cannot be opened is
// pending, with a reason an operator can act on; it is tried again when links, addresses or routes change.
import { formatIpv4, isMulticast } from "../../base/ipv4.ts";
import { limits } from "../../limits.ts";
import { pendingText } from "../../rules/pending.ts";
import { protocols } from "../../rules/schema.ts";
import { attachFilter } from "../../shim/capture.ts";
import { forRules } from "../../shim/descriptors.ts";
import { errno } from "../../shim/errno.ts";
import {
  bindAddress,
  bindLinkIndex,
  closeSocket,
  connect,
  type Failure,
  failureText,
  isFailure,
  openRaw,
  openUdp,
  pmtuOmit,
  protocolRaw,
  setBufferSize,
  setOption,
  setOptions,
  setOutputLink,
} from "../../shim/socket.ts";
import { passNothing } from "../capture/filter.ts";
import type { Link, LinksView } from "../kernel/links.ts";

/**
 * Where datagrams shall go; addresses in host order, multicast or unicast. `ttl` absent: 1 for multicast, else the kernel's;
 * `dscp` absent: 0. `isMapped`: to many places like this one, which each send names; the socket is connected to none.
 */
export type OutputWish = {
  interface: string;
  group: number;
  port: number;
  protocol: number;
  ttl?: number;
  dscp?: number;
  sourceIp?: number;
  sourcePort?: number;
  /** Takes whole datagrams, headers and all: they have their senders' addresses. */
  isStamped?: boolean;
  isMapped?: boolean;
};

/** A socket, or why there is none yet, in words for an operator. */
export type OutputSocket = { fd: number } | { pending: string };

const multicastTtl = 1;

/** Opens a socket whose plain sends reach the output, or says why there is none yet. `bufferSize` in bytes. */
export function openOutput(
  links: LinksView,
  wish: OutputWish,
  bufferSize: number = limits.outputBufferSize,
): OutputSocket {
  const link = usableLink(links, wish);
  if (typeof link === "string") {
    return { pending: link };
  }
  const fd = forRules(socketFor(wish));
  if (isFailure(fd)) {
    return { pending: reasonOf(fd, wish) };
  }
  const failure = setUp(fd, link, wish, bufferSize);
  if (failure === undefined) {
    return { fd };
  }
  closeSocket(fd);
  return { pending: reasonOf(failure, wish) };
}

function socketFor({ isStamped, protocol }: OutputWish): number | Failure {
  if (isStamped === true) {
    return openRaw(protocolRaw);
  }
  return protocol === protocols.udp ? openUdp() : openRaw(protocol);
}

/** The output's link, or what the table of links and the routes have against it. */
function usableLink(links: LinksView, wish: OutputWish): Link | string {
  const link = links.table().get(wish.interface);
  if (link === undefined) {
    return pendingText("outputMissing", { link: wish.interface });
  }
  if (!link.isUp) {
    return pendingText("linkDown", { link: link.name });
  }
  // The kernel would take an address of some other link. What brings its sender's address needs none.
  if (wish.sourceIp === undefined && wish.isStamped !== true && link.addresses.length === 0) {
    return pendingText("noAddress", { link: link.name });
  }
  // Bound to a link, the kernel takes any address for a neighbour, and datagrams would die waiting for it to answer ARP.
  if (!isMulticast(wish.group) && !links.hasRoute(wish.group, link.index)) {
    return pendingText("noRoute", { address: formatIpv4(wish.group), link: link.name });
  }
  return link;
}

function setUp(fd: number, link: Link, wish: OutputWish, bufferSize: number): Failure | undefined {
  return (
    // By index: a name may be another link's by now.
    bindLinkIndex(fd, link.index) ??
    setOptions(fd, [
      // Thousands of outputs share few source ports when they have to.
      ["SO_REUSEADDR", 1],
      // No reply is wanted: what comes back is dropped by the filter, and the little that is queued before it is bounded.
      ["SO_RCVBUF", 0],
      // Without it the kernel says nothing of a router's "host unreachable", nor of a transmit queue that was full
      // (net/ipv4/udp.c, __udp4_lib_err and udp_send_skb). The next send says it; the queue of details is never read, and is
      // as short as the receive buffer.
      ["IP_RECVERR", 1],
      // Fragment what the link's MTU cannot carry instead of refusing it.
      ["IP_MTU_DISCOVER", pmtuOmit],
    ]) ??
    attachFilter(fd, passNothing) ??
    setBufferSize(fd, "send", bufferSize) ??
    (isMulticast(wish.group) ? setMulticast(fd, link, wish.ttl) : setTtl(fd, wish.ttl)) ??
    // The lower two bits are for congestion (RFC 3168), and the kernel's.
    (wish.dscp === undefined ? undefined : setOption(fd, "IP_TOS", wish.dscp << 2)) ??
    bindSource(fd, wish) ??
    (wish.isMapped === true ? undefined : connect(fd, wish.group, wish.port))
  );
}

function setMulticast(fd: number, link: Link, ttl = multicastTtl): Failure | undefined {
  return (
    setOutputLink(fd, link.index) ??
    setOptions(fd, [
      ["IP_MULTICAST_TTL", ttl],
      // A receiver on this very machine hears the output too, as the kernel's default has it. It costs nothing when there is
      // none, and no capture takes it for an arrival: the copy is PACKET_LOOPBACK, which packet sockets never see.
      ["IP_MULTICAST_LOOP", 1],
    ])
  );
}

function bindSource(fd: number, { sourceIp, sourcePort }: OutputWish): Failure | undefined {
  return sourceIp === undefined && sourcePort === undefined
    ? undefined
    : bindAddress(fd, sourceIp ?? 0, sourcePort ?? 0);
}

function setTtl(fd: number, ttl: number | undefined): Failure | undefined {
  return ttl === undefined ? undefined : setOption(fd, "IP_TTL", ttl);
}

function reasonOf(failure: Failure, wish: OutputWish): string {
  if (failure.step === "bind" && failure.errno === errno.EADDRNOTAVAIL && wish.sourceIp !== undefined) {
    return pendingText("sourceMissing", { address: formatIpv4(wish.sourceIp) });
  }
  if (failure.step === "connect" && (failure.errno === errno.ENETUNREACH || failure.errno === errno.EHOSTUNREACH)) {
    return pendingText("noRoute", { address: formatIpv4(wish.group), link: wish.interface });
  }
  if (failure.errno === errno.ENODEV) {
    return pendingText("outputMissing", { link: wish.interface });
  }
  const address = `${formatIpv4(wish.group)}:${wish.port}`;
  if (failure.step === "bind" && failure.errno === errno.EADDRINUSE && wish.sourcePort !== undefined) {
    return pendingText("portTaken", { link: wish.interface, address, port: wish.sourcePort });
  }
  return pendingText("outputRefused", { link: wish.interface, address, failure: failureText(failure) });
}
