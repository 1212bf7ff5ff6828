// AF_PACKET sockets on the supervisor's side: filter, ring, bind, fanout. packet(7), linux/if_packet.h.
import { limits } from "../limits.ts";
import { shim } from "./library.ts";
import { type Mapped, map, scratch } from "./memory.ts";
import { type Failure, getOption, isFailure, refusalOf, setOption } from "./socket.ts";
import { systemCall } from "./system-call.ts";

/** A classic BPF program: `count` instructions of 8 bytes each, as struct sock_filter. */
export type FilterProgram = { bytes: Uint8Array; count: number };

/** How a ring is cut: blocks of slots; a block may end in a gap that holds none. Sizes in bytes. */
export type RingGeometry = { slotSize: number; blockSize: number; blockCount: number };

/** TPACKET_V2 for PACKET_VERSION: each frame is handed up at once. */
export const packetVersion2 = 1;

// All protocols: such a tap comes before tc ingress and netfilter (net/core/dev.c, __netif_receive_skb_core).
const protocolAll = 0x0003;

// PACKET_FANOUT takes id | type << 16 | flags << 16. Type 0 spreads by a hash of the flow.
const fanoutFlags = { uniqueId: 0x2000, ignoreOutgoing: 0x4000, defrag: 0x8000 } as const;

const instructionSize = 8;
let programMemory: Mapped | undefined;

/** Puts `program` in place of the filter there was, in one step: no frame sees none. */
export function attachFilter(fd: number, program: FilterProgram): Failure | undefined {
  programMemory ??= map(limits.filterInstructionsMax * instructionSize);
  programMemory.u8.set(program.bytes);
  return refusalOf("SO_ATTACH_FILTER", shim.mcr_capture_filter(fd, programMemory.pointer, program.count));
}

/** Gives the socket its ring; what changes a slot's layout must be set before. */
export function setRing(fd: number, { blockSize, blockCount, slotSize }: RingGeometry): Failure | undefined {
  return refusalOf("PACKET_RX_RING", shim.mcr_capture_ring(fd, blockSize, blockCount, slotSize));
}

/** From here on frames of every protocol of this link arrive. */
export function bindCapture(fd: number, linkIndex: number): Failure | undefined {
  return refusalOf("bind AF_PACKET", shim.mcr_capture_bind(fd, linkIndex, protocolAll));
}

/** The index of the link that the socket is bound to; -1 when that link is gone, whatever has its index and name by now. */
export function boundLink(fd: number): number {
  // struct sockaddr_ll: the index is its third field, behind two of 16 bits. Its size stands before it, in and out.
  const [sizeAt, addressAt] = [0, 8];
  scratch.i32[sizeAt / 4] = 20;
  const result = systemCall("getsockname", fd, Number(scratch.at(addressAt)), Number(scratch.at(sizeAt)));
  return result < 0 ? -1 : (scratch.i32[addressAt / 4 + 1] ?? -1);
}

/** The link's card hands up every multicast frame as long as the socket lives: PACKET_MR_ALLMULTI, packet(7). */
export function hearAllMulticast(fd: number, linkIndex: number): Failure | undefined {
  const { level, addMembership, allMulticast, size } = { level: 263, addMembership: 1, allMulticast: 2, size: 16 };
  // struct packet_mreq: the link, the kind and the length of an address that this kind has none of.
  scratch.i32[0] = linkIndex;
  scratch.i32.set([allMulticast, 0, 0], 1);
  return refusalOf(
    "PACKET_ADD_MEMBERSHIP",
    systemCall("setsockopt", fd, level, addMembership, Number(scratch.at(0)), size),
  );
}

/**
 * Joins fanout group `id` of the link the socket is bound to, or, without one, a new group whose id no other program of
 * this network namespace has. Fragments are put together before the group's sockets see them. Returns the id.
 */
export function joinFanout(fd: number, id?: number): number | Failure {
  // The socket's own PACKET_IGNORE_OUTGOING does not count in a group; kernels without this flag leave it to the filter.
  const flags = fanoutFlags.defrag | fanoutFlags.ignoreOutgoing | (id === undefined ? fanoutFlags.uniqueId : 0);
  const failure = setOption(fd, "PACKET_FANOUT", (id ?? 0) | (flags << 16));
  if (failure !== undefined) {
    return failure;
  }
  const joined = getOption(fd, "PACKET_FANOUT");
  return isFailure(joined) ? joined : joined & 0xffff;
}
