// The kernel's part of matching: a classic BPF program (linux/filter.h, Documentation/networking/filter.rst) that lets only
// frames to wanted addresses into a capture ring. It may pass too much, never too little: user space matches exactly, counts
// and names what it refuses. Hence ports are not compared, and fragments and frames with a VLAN tag in their metadata pass.
// A frame with a tag still in its data (a second one) is dropped: to the kernel it is not IPv4, and no rule can mean it.
import { assert } from "../../base/assert.ts";
import { coarsened, type Range, rangesOf, rangesSize } from "../../base/ranges.ts";
import { limits } from "../../limits.ts";
import type { FilterProgram } from "../../shim/capture.ts";
import { codes, jumpMax, Program } from "../kernel/bpf.ts";

/** What a rule wants to see: an address (host order), or all from there to `last`, and 17 (UDP) or 50 (ESP). */
export type Wanted = { address: number; last?: number; protocol: number };

/** What the filter has to know of the link, and how exact it may be. */
export type FilterOptions = {
  /** The link's frames begin with 14 bytes of Ethernet header (see macTypes in netlink.ts). */
  hasEthernetHeader: boolean;
  /** How many ranges of addresses it may tell apart; default limits.filterRangesMax. */
  rangesMax?: number;
};

/** `unwantedCount`: how many addresses pass that nobody wants, because the program had to be coarsened; 0: exact. */
export type Filter = { program: FilterProgram; rangeCount: number; unwantedCount: number };

const protocols = { udp: 17, esp: 50 } as const;

// Loads relative to SKF_AD_OFF read metadata, those to SKF_NET_OFF the network header, wherever it lies.
const metadata = { protocol: 0xffff_f000, packetType: 0xffff_f004 } as const;
const networkHeader = 0xfff0_0000;
const ipv4 = { etherType: 0x0800, protocolOffset: 9, destinationOffset: 16 } as const;
const ethernet = { typeOffset: 12, headerSize: 14 } as const;
// PACKET_OTHERHOST and PACKET_OUTGOING of linux/if_packet.h. On loopback too: what leaves there comes back as an arrival.
const unwantedTypes = { otherHost: 3, outgoing: 4 } as const;

/** Passes whatever goes to one of `wanted`; nothing at all when there is none. */
export function filterOf(wanted: Iterable<Wanted>, options: FilterOptions): Filter {
  const all = [...wanted];
  const exact = [protocols.udp, protocols.esp].map((protocol) =>
    rangesOf(
      all.filter((each) => each.protocol === protocol).map(({ address, last = address }) => ({ first: address, last })),
    ),
  );
  const kept = withinBudget(exact, options.rangesMax ?? limits.filterRangesMax);
  const [udp = [], esp = []] = kept;
  const rangeCount = udp.length + esp.length;
  const program = rangeCount === 0 ? refusal() : search(udp, esp, options.hasEthernetHeader);
  return { program, rangeCount, unwantedCount: sizeOf(kept) - sizeOf(exact) };
}

/** The filter of a socket that is not ready yet. */
export const passNothing: FilterProgram = refusal();

function refusal(): FilterProgram {
  const program = new Program();
  program.add(codes.end, 0);
  return program.assemble();
}

function sizeOf(sets: readonly (readonly Range[])[]): number {
  return sets.reduce((size, ranges) => size + rangesSize(ranges), 0);
}

/** Shares `rangesMax` among the protocols by what they need; one that needs anything gets a range at least. */
function withinBudget(exact: readonly Range[][], rangesMax: number): Range[][] {
  const needed = exact.reduce((count, each) => count + each.length, 0);
  return exact.map((each) =>
    coarsened(each, needed <= rangesMax ? each.length : Math.max(1, Math.floor((each.length * rangesMax) / needed))),
  );
}

/** The whole program: is it an arrival, is it IPv4, is the protocol wanted, is the address. */
function search(udp: readonly Range[], esp: readonly Range[], hasEthernetHeader: boolean): FilterProgram {
  const program = new Program();
  const trees = { esp: addTree(program, esp), udp: addTree(program, udp) };
  let isIpv4 = addLoads(program, networkHeader, trees);
  if (hasEthernetHeader) {
    // Loads relative to the network header fail on bytes outside a frame's linear part (before Linux 6.16), and the frame
    // would be lost; loads from the start never do. Where the type does not stand in its place, the first kind must serve.
    const anywhere = isIpv4;
    const inPlace = addLoads(program, ethernet.headerSize, trees);
    program.branch(codes.ifEqual, ipv4.etherType, inPlace, anywhere);
    isIpv4 = program.add(codes.loadHalf, ethernet.typeOffset);
  }
  const { drop } = program.ends();
  program.branch(codes.ifEqual, ipv4.etherType, isIpv4, drop);
  const isArrival = program.add(codes.loadWord, metadata.protocol);
  const isForUs = program.branch(codes.ifEqual, unwantedTypes.outgoing, drop, isArrival);
  program.branch(codes.ifEqual, unwantedTypes.otherHost, drop, isForUs);
  program.add(codes.loadWord, metadata.packetType);
  return program.assemble();
}

/** Loads protocol and address of the IPv4 header at `offset`, and goes to the protocol's tree. */
function addLoads(program: Program, offset: number, trees: { udp: number; esp: number }): number {
  const { drop } = program.ends();
  const addTest = (protocol: number, tree: number, otherwise: number) => {
    program.jump(tree);
    const isIt = program.add(codes.loadWord, offset + ipv4.destinationOffset);
    return program.branch(codes.ifEqual, protocol, isIt, otherwise);
  };
  addTest(protocols.udp, trees.udp, addTest(protocols.esp, trees.esp, drop));
  return program.add(codes.loadByte, offset + ipv4.protocolOffset);
}

/**
 * With the address in A: accepts it when it lies in one of the ranges. They are compared by their distance from the lowest
 * address: what lies below it wraps around and lies above them all; and the kernel, which takes constants from 2^31 up in two
 * instructions and charges each to the socket, finds small ones.
 */
function addTree(program: Program, ranges: readonly Range[]): number {
  const base = ranges[0]?.first;
  if (base === undefined) {
    return program.add(codes.end, 0);
  }
  addBranches(
    program,
    ranges.map(({ first, last }) => ({ first: first - base, last: last - base })),
  );
  return program.add(codes.subtract, base);
}

/** A binary search. On the way to every range the address was found to be no less than its first, so a leaf tests the last. */
function addBranches(program: Program, ranges: readonly Range[]): number {
  const half = ranges.length >> 1;
  const [lower, upper] = [ranges.slice(0, half), ranges.slice(half)];
  const [first] = upper;
  assert(first !== undefined, "a tree has a range at least");
  if (lower.length === 0) {
    const { accept, drop } = program.ends();
    return program.branch(codes.ifGreater, first.last, drop, accept);
  }
  const above = addBranches(program, upper);
  const below = addBranches(program, lower);
  const isNear = program.distance(above) <= jumpMax;
  return program.branch(codes.ifAtLeast, first.first, isNear ? above : program.jump(above), below);
}
