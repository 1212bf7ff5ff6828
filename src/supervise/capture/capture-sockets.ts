// Capture sockets, made where the privileges are and handed to workers: one for each worker and input link, the sockets of a
// link in one fanout group. A socket hears nothing until its group is given a filter.
import { isMulticast } from "../../base/ipv4.ts";
import { limits } from "../../limits.ts";
import { pendingText } from "../../rules/pending.ts";
import {
  attachFilter,
  bindCapture,
  boundLink,
  hearAllMulticast,
  joinFanout,
  packetVersion2,
  type RingGeometry,
  setRing,
} from "../../shim/capture.ts";
import { forRules } from "../../shim/descriptors.ts";
import { errno } from "../../shim/errno.ts";
import {
  closeSocket,
  type Failure,
  failureText,
  isFailure,
  openPacket,
  setBufferSize,
  setOptions,
} from "../../shim/socket.ts";
import type { Link } from "../kernel/links.ts";
import { macTypes } from "../kernel/netlink.ts";
import { type Filter, filterOf, passNothing, type Wanted } from "./filter.ts";

/** An open capture socket and the shape of its ring, which mapFd(fd, ringSize) shows. */
export type CaptureSocket = RingGeometry & { fd: number; slotCount: number; ringSize: number; fanoutId: number };

/** What a capture socket shall be like; sizes in bytes. */
export type CaptureWish = {
  link: Pick<Link, "index" | "mtu">;
  /** Default: from the link's MTU. */
  slotSize?: number;
  /** Default: limits.captureRingSize. */
  ringSize?: number;
  /** The group to join; without it a new one. */
  fanoutId?: number;
};

// TPACKET_ALIGN(32 + 20 + 16) + PACKET_RESERVE + the virtio_net_hdr = 96: the IP header of an Ethernet frame begins at a
// multiple of 16 (net/packet/af_packet.c, tpacket_rcv).
const reserveSize = 6;
const networkOffset = 96;
// Link headers longer than Ethernet's move the IP header up by as much: tunnels keep their outer headers there.
const linkHeaderRoom = 64;
const slotAlignment = 16;
const pageSize = 4096;
// Larger blocks are hard to get in one piece on a machine that has run for months.
const blockSizeMax = 256 * 1024;

/** Slot size in bytes for frames of a link: one whole frame, without super-frames. */
export function slotSizeFor(mtu: number): number {
  const size = Math.ceil((networkOffset + linkHeaderRoom + mtu) / slotAlignment) * slotAlignment;
  return Math.min(limits.captureSlotSizeMax, Math.max(limits.captureSlotSizeMin, size));
}

/** Cuts `ringSize` bytes into slots: the smallest block that wastes no more than a sixteenth, or else the one that wastes least. */
export function ringGeometry(slotSize: number, ringSize: number): RingGeometry & { slotCount: number } {
  const slotsIn = (size: number) => Math.floor(size / slotSize);
  const wasteOf = (size: number) => (slotsIn(size) === 0 ? 1 : 1 - (slotsIn(size) * slotSize) / size);
  let blockSize = pageSize;
  for (let size = pageSize; size <= blockSizeMax && wasteOf(blockSize) > 1 / 16; size *= 2) {
    if (wasteOf(size) < wasteOf(blockSize)) {
      blockSize = size;
    }
  }
  const blockCount = Math.max(1, Math.floor(ringSize / blockSize));
  return { slotSize, blockSize, blockCount, slotCount: blockCount * slotsIn(blockSize) };
}

/** Opens a socket that is bound, has its ring and is in its group, behind a filter that passes nothing yet. */
export function openCapture(wish: CaptureWish): CaptureSocket | Failure {
  const fd = forRules(openPacket());
  if (isFailure(fd)) {
    return fd;
  }
  const geometry = ringGeometry(wish.slotSize ?? slotSizeFor(wish.link.mtu), wish.ringSize ?? limits.captureRingSize);
  const fanoutId = setUp(fd, geometry, wish);
  if (isFailure(fanoutId)) {
    closeSocket(fd);
    return fanoutId;
  }
  return { fd, ...geometry, ringSize: geometry.blockSize * geometry.blockCount, fanoutId };
}

function setUp(fd: number, geometry: RingGeometry, { link, fanoutId }: CaptureWish): number | Failure {
  const failure =
    // First of all: between bind and the real filter not one frame may come, or one would count as captured.
    attachFilter(fd, passNothing) ??
    setOptions(fd, [
      ["PACKET_VERSION", packetVersion2],
      ["PACKET_VNET_HDR", 1],
      ["PACKET_RESERVE", reserveSize],
      // Any value but 0: a frame that outgrows its slot is also put whole into the socket's queue.
      ["PACKET_COPY_THRESH", 1],
      ["PACKET_IGNORE_OUTGOING", 1],
    ]) ??
    setBufferSize(fd, "receive", limits.captureQueueSize) ??
    setRing(fd, geometry) ??
    bindCapture(fd, link.index);
  return failure ?? joinFanout(fd, fanoutId);
}

/** The capture sockets of one link, with the filter they share. */
export class CaptureGroup {
  private readonly link: Link;
  private readonly sockets = new Map<number, CaptureSocket>();
  private filter: Filter = { program: passNothing, rangeCount: 0, unwantedCount: 0 };
  private rangesMax: number = limits.filterRangesMax;
  /** The socket for whose sake the card hands up all multicast; -1: none. */
  private hearing = -1;

  constructor(link: Link) {
    this.link = link;
  }

  /** Takes the sockets of the supervisor before us. They keep its filter until want(). */
  adopt(sockets: readonly CaptureSocket[]): void {
    for (const socket of sockets) {
      this.sockets.set(socket.fd, socket);
    }
  }

  /** What passes at present, and how exactly. */
  get currentFilter(): Filter {
    return this.filter;
  }

  /** Whether the link is still the one that the sockets are bound to: once it is gone they hear nothing, for ever. */
  get isBound(): boolean {
    return [...this.sockets.keys()].every((fd) => boundLink(fd) === this.link.index);
  }

  /** Opens one more socket. It takes its share of the flows at once: whoever reads it should be about to. */
  open(ringSize = limits.captureRingSize as number): CaptureSocket | Failure {
    const [member] = this.sockets.values();
    const fanout = member === undefined ? {} : { fanoutId: member.fanoutId };
    const socket = openCapture({ link: this.link, ringSize, ...fanout });
    if (isFailure(socket)) {
      return socket;
    }
    const failure = attachFilter(socket.fd, this.filter.program);
    if (failure !== undefined) {
      closeSocket(socket.fd);
      return failure;
    }
    this.sockets.set(socket.fd, socket);
    return socket;
  }

  /**
   * Lets frames to `wanted` pass, on all sockets of the group, and no others. Where the kernel's memory for filters is short
   * (net.core.optmem_max, 20 KiB before Linux 6.7) addresses are lumped together, see Filter.unwantedCount.
   */
  want(wanted: Iterable<Wanted>): Failure | undefined {
    const all = [...wanted];
    const { macType } = this.link;
    const hasEthernetHeader = macType === macTypes.ethernet || macType === macTypes.loopback;
    for (;;) {
      const filter = filterOf(all, { hasEthernetHeader, rangesMax: this.rangesMax });
      const failure = this.attach(filter) ?? this.hearPrefixes(all);
      if (failure === undefined) {
        this.filter = filter;
        return undefined;
      }
      const rangesMax = Math.ceil(Math.min(this.rangesMax, filter.rangeCount) / 2);
      if (failure.errno !== errno.ENOMEM || rangesMax >= this.rangesMax) {
        return failure;
      }
      this.rangesMax = rangesMax;
    }
  }

  /** Takes a socket out of the group; its flows go to the others. The worker's copy of the descriptor must be closed too. */
  drop(fd: number): void {
    if (this.sockets.delete(fd)) {
      closeSocket(fd);
    }
  }

  close(): void {
    for (const fd of [...this.sockets.keys()]) {
      this.drop(fd);
    }
  }

  /** Nobody joins all groups of a prefix, and a card hands up those alone that somebody joined, unless it is told to. */
  private hearPrefixes(wanted: readonly Wanted[]): Failure | undefined {
    const [member] = this.sockets.values();
    const hasPrefix = wanted.some(({ address, last = address }) => last > address && isMulticast(address));
    if (!hasPrefix || member === undefined || this.hearing === member.fd) {
      return undefined;
    }
    const failure = hearAllMulticast(member.fd, this.link.index);
    this.hearing = failure === undefined ? member.fd : -1;
    return failure;
  }

  private attach({ program }: Filter): Failure | undefined {
    for (const fd of this.sockets.keys()) {
      const failure = attachFilter(fd, program);
      if (failure !== undefined) {
        return failure;
      }
    }
    return undefined;
  }
}

/** Why a link cannot be captured, with the cure where there is one. */
export function captureFailureText(linkName: string, failure: Failure): string {
  const cures: Record<number, string> = {
    [errno.EPERM]:
      "it needs CAP_NET_RAW (run it as root, or give the service AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN)",
    [errno.EACCES]: "a security module forbids AF_PACKET sockets",
    [errno.ENOMEM]: `the kernel has no ${limits.captureRingSize >> 20} MiB for the capture ring`,
    [errno.ENODEV]: "the link is gone",
    [errno.ENXIO]: "the link is gone",
    [errno.ENETDOWN]: "the link is down",
  };
  const cure = cures[failure.errno];
  const text = `${failureText(failure)}${cure === undefined ? "" : `: ${cure}`}`;
  return pendingText("captureRefused", { link: linkName, failure: text });
}
