// What the supervisor tells a worker, and what the worker reports: the words of both streams, checked on both sides.
// Every order goes to both loops; each applies its part and acknowledges by the order's sequence number.
import { z } from "zod";
import { limits } from "../limits.ts";
import { facilities, levels } from "../log/record.ts";

/** How a worker is to wait and send; `auto`: by io_uring, and without it if it is refused one. */
const ioKinds = ["io_uring", "ppoll"] as const;
export const ioWishes = ["auto", ...ioKinds] as const;
export type IoWish = (typeof ioWishes)[number];

const word = z.int().min(0).max(0xffffffff);
const index = z.int().min(0);

/** What the headers say of datagrams that leave with their sender's address (relay/stamp.ts). */
const stamp = z.object({
  address: word,
  port: z.int().min(0).max(65535),
  protocol: z.int().min(0).max(255),
  ttl: z.int().min(1).max(255),
  tos: z.int().min(0).max(255),
});

const bits = z.int().min(0).max(32);

/**
 * One output of a rule: its socket by number. A pending one has none, and its datagrams are counted as dropped. `mapping`: its socket
 * is connected to nobody; a datagram goes to `group` with all but the first `groupBits` bits of the address it came to, and to `port`,
 * which `isOffset` adds to the port it came to.
 */
const orderOutput = z.object({
  id: index,
  counter: index,
  isPending: z.boolean(),
  stamp: stamp.optional(),
  mapping: z
    .object({ group: word, groupBits: bits, port: z.int().min(-65_535).max(65_535), isOffset: z.boolean() })
    .optional(),
});

/**
 * A rule as the data path needs it. Addresses are numbers in host order; source 0 is every source. `range`: the group and the source
 * are prefixes of so many bits, ports go up to `portLast`, and among rules as specific the higher `linkRank` goes first.
 */
const orderRule = z.object({
  serial: z.int().min(1).max(0x7fffffff),
  rule_id: z.string(),
  counter: index,
  captures: z.array(index).max(limits.captureLinksMax),
  group: word,
  port: z.int().min(0).max(65535),
  protocol: z.int().min(0).max(255),
  source: word,
  range: z
    .object({
      groupBits: bits,
      portLast: z.int().min(0).max(65535),
      sourceBits: bits,
      linkRank: z.int().min(0).max(16),
    })
    .optional(),
  outputs: z.array(orderOutput).max(limits.ruleOutputsMax),
});

const order = z.discriminatedUnion("kind", [
  /** Sockets for outputs, beside these bytes on the egress stream (SCM_RIGHTS), in the order of `ids`. */
  z.object({ kind: z.literal("Sockets"), ids: z.array(index).max(limits.orderSocketsMax) }),
  z.object({ kind: z.literal("SyncRules"), rules: z.array(orderRule).max(limits.rulesMax) }),
  /**
   * Rules that come, change or go, by their serials. A large set comes in pieces, and counts as a whole when the last is there:
   * either every rule of it is carried out, or none.
   */
  z.object({
    kind: z.literal("ChangeRules"),
    put: z.array(orderRule).max(limits.orderRulesMax),
    remove: z.array(index).max(limits.rulesMax),
    isFirst: z.boolean(),
    isLast: z.boolean(),
  }),
  /** The link is gone, or no rule wants it: close its capture socket. */
  z.object({ kind: z.literal("DropCapture"), capture: index }),
  z.object({
    kind: z.literal("SetLogLevel"),
    global: z.enum(levels),
    facilities: z.partialRecord(z.enum(facilities), z.enum(levels)),
  }),
  z.object({ kind: z.literal("Ping") }),
  z.object({ kind: z.literal("Shutdown") }),
]);

export const numberedOrder = z.object({ seq: z.int().min(1), order });

export type Order = z.infer<typeof order>;
export type OrderRule = z.infer<typeof orderRule>;
export type NumberedOrder = z.infer<typeof numberedOrder>;

/** The two halves of a worker, each of which carries out every order. */
export const halves = ["ingress", "egress"] as const;
export type Half = (typeof halves)[number];

/** What a worker says on the request socket. */
export const report = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("born"), pid: index, io: z.enum(ioKinds) }),
  /** It cannot become a worker: the reason, in words for an operator. */
  z.object({ kind: z.literal("stillborn"), reason: z.string() }),
  /** A half has carried out order `seq`, and holds these rules since (digest.ts). */
  z.object({
    kind: z.literal("done"),
    seq: index,
    by: z.enum(halves),
    rules: z.string().max(limits.rulesDigestSizeMax),
    error: z.string().optional(),
  }),
]);
export type Report = z.infer<typeof report>;

/** What comes through fd 3, each as one message: first the hello, with the three streams beside it. */
export const doorMessage = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("hello"),
    version: z.string(),
    abi: z.string(),
    uid: index,
    gid: index,
    pipeline: z.enum(["split", "unified"]),
    io: z.enum(ioWishes),
  }),
  /** The place it lives at from now on, with the counter page beside it. It may be long in coming: to a spare. */
  z.object({ kind: z.literal("place"), worker: index }),
  z.object({
    kind: z.literal("capture"),
    serial: index,
    counter: index,
    link: z.string(),
    slotSize: index,
    blockSize: index,
    blockCount: index,
  }),
]);
export type DoorMessage = z.infer<typeof doorMessage>;
