// Where every counter lives in a worker's page: doubles, one writer each, readable by the supervisor at any time.
// The page is a memfd of the supervisor's, so totals outlive the worker that wrote them.

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
] as const;

/** Offsets, in doubles, of the worker-wide counters. Written by ingress: `ingress` and `refused`; by egress: `egress`. */
export const ingress = layout(0, ingressNames);
export const refusedFirst = 32;
export const egress = layout(64, egressNames);

/** How often sends failed, by errno (0..255: anything above is kept under 255). */
export const errnoFirst = 128;
export const errnoCount = 256;

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

export const ruleFirst = linkFirst + linkSize * linkMax;
export const ruleSize = 8;
export const ruleMax = 16_384;
export const ruleField = { datagrams: 0, bytes: 1, lastSeenNs: 2, frames: 3 } as const;

export const outputFirst = ruleFirst + ruleSize * ruleMax;
export const outputSize = 8;
export const outputMax = 131_072;
export const outputField = {
  sent: 0,
  sentBytes: 1,
  failed: 2,
  dropped: 3,
  sends: 4,
  lastErrno: 5,
  lastSentNs: 6,
  entered: 7,
} as const;

/** Doubles in a page, and its size in bytes. Sparse: what no rule uses takes no memory. */
export const counterCount = outputFirst + outputSize * outputMax;
export const pageSize = counterCount * 8;
