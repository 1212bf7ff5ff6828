// Where every counter lives in a worker's page: doubles, one writer each, readable by the supervisor at any time.
// The page is a memfd of the supervisor's, so totals outlive the worker that wrote them.
import { bucketCount } from "../base/buckets.ts";

/** Why a frame is not forwarded, by name. The order is the layout; add at the end only. */
export const refusals = [
  "not_ipv4",
  "vlan",
  "own_transmission",
  "truncated",
  "ip_header",
  "ip_checksum",
  "fragment",
  "protocol",
  "udp_length",
  "udp_checksum",
  "super_frame",
  "large_slots_full",
  "other_host",
] as const;
export type RefusalName = (typeof refusals)[number];

/** The number of a refusal as parse() returns it; 0 is "accepted". */
export const refusal = Object.fromEntries(refusals.map((name, index) => [name, index + 1])) as Record<
  RefusalName,
  number
>;

function layout<const Names extends readonly string[]>(first: number, names: Names) {
  return Object.fromEntries(names.map((name, index) => [name, first + index])) as { [Name in Names[number]]: number };
}

const ingressNames = [
  "frames", // taken from the capture rings
  "matched", // frames a rule wanted
  "noMatch", // well formed, no rule
  "datagrams", // matched, a super-frame counting for all it holds
  "bytes", // payload of these
  "superFrames",
  "queueFull", // turns that ended because egress was behind
  "wakeupsWritten",
  "wakeupsAvoided",
  "turns",
  "stallMaxUs", // longest time between two turns with work
  "linesLost",
  "heapBytes", // what the last collection left in the thread's JavaScript heap; a level
] as const;

const egressNames = [
  "datagrams", // matched datagrams times outputs, as taken from the queue
  "sent",
  "sentBytes",
  "failed",
  "dropped",
  "unknownRule", // datagrams whose rule was gone when they came
  "sends", // sendmsg calls that went out; sent / sends is the batch size
  "batchMax",
  "turns",
  "queueDepthMax",
  "stallMaxUs",
  "linesLost",
  "taken", // datagrams taken from the queue, each once
  "inFlight", // of `datagrams`, those that are not sent, failed or dropped yet; a level, not a total
  "died", // of `dropped`, those that a worker held when it died; the supervisor's
  "latencySumUs", // of the sends whose latency was looked at
  "latencyMaxUs",
  "stranded", // queue entries that lay there while egress slept and nobody had woken it: none, or the wakeup is broken
  "heapBytes",
] as const;

/** Offsets, in doubles, of the worker-wide counters. Written by ingress: `ingress` and `refused`; by egress: `egress`. */
export const ingress = layout(0, ingressNames);
export const refusedFirst = 32;
export const egress = layout(64, egressNames);

/** The system call that the sandbox refused, its number plus one. Written as the worker dies of it; the supervisor clears it. */
export const refusedCall = 127;

/** How often sends failed, by errno (0..255: anything above is kept under 255). */
export const errnoFirst = 128;
export const errnoCount = 256;

/** Sends that went out by how many datagrams they carried: up to 1, 2, 4, 8, 16, 32, 64, and more. Written by egress. */
export const batchFirst = 384;
export const batchCount = 8;

/** One capture ring a link. `readSlot` lets a successor go on where a dead worker stopped. */
export const linkFirst = 512;
export const linkSize = 8;
export const linkMax = 64;
export const linkField = {
  frames: 0,
  drops: 1,
  readSlot: 2,
  slotsHeld: 3,
  tagged: 4,
  lastVlan: 5,
  lastSeenNs: 6,
} as const;

/** Sends by latency in microseconds, as base/buckets.ts has them. Written by egress. */
export const latencyFirst = linkFirst + linkSize * linkMax;

export const ruleFirst = latencyFirst + bucketCount;
export const ruleSize = 24;
export const ruleMax = 16_384;
/**
 * Of a rule. `other…`: frames to its group that no rule took, and what the last of them showed; `refused…` and `tagged…`: frames
 * to its group that were refused. Of several rules with one group, one holds these. Egress writes `taken`, on a cache line of
 * its own.
 */
export const ruleField = {
  datagrams: 0,
  bytes: 1,
  lastSeenNs: 2,
  frames: 3,
  otherFrames: 4,
  /** As Datagram.portAndProtocol and sourceWord. */
  otherPort: 5,
  otherSource: 6,
  otherNs: 7,
  refused: 8,
  /** The number of a refusal. */
  refusedReason: 9,
  refusedNs: 10,
  tagged: 11,
  taggedVlan: 12,
  taggedNs: 13,
  taken: 16,
} as const;

export const outputFirst = ruleFirst + ruleSize * ruleMax;
export const outputSize = 24;
export const outputMax = 131_072;
/**
 * Of an output. `dropped` is the sum of the five behind it in name: the output had no socket, its socket was full for too long, it
 * was removed, its worker died (this one is the supervisor's), a datagram with its sender's address was larger than the MTU.
 */
export const outputField = {
  sent: 0,
  sentBytes: 1,
  failed: 2,
  dropped: 3,
  sends: 4,
  lastErrno: 5,
  lastSentNs: 6,
  entered: 7,
  droppedPending: 8,
  droppedFull: 9,
  droppedRemoved: 10,
  droppedDied: 11,
  refusedOther: 12,
  lastErrnoNs: 13,
  droppedTooLarge: 14,
} as const;
/** Behind them: the errnos by which the kernel refused sends, each with how often; what finds no place is in refusedOther. */
export const outputErrnoFirst = 16;
export const outputErrnoCount = 4;

/** Doubles in a page, and its size in bytes. Sparse: what no rule uses takes no memory. */
export const counterCount = outputFirst + outputSize * outputMax;
export const pageSize = counterCount * 8;

/** How the page is laid out, as text: who maps a page that another version wrote must find the same. */
export function layoutText(): string {
  const places = {
    refusedFirst,
    errnoFirst,
    batchFirst,
    linkFirst,
    latencyFirst,
    ruleFirst,
    outputFirst,
    counterCount,
  };
  const sizes = { linkSize, ruleSize, outputSize, outputErrnoFirst, outputErrnoCount };
  return JSON.stringify({ ingress, egress, refusals, linkField, ruleField, outputField, ...places, ...sizes });
}
