// The reply to GetStatus: everything a person's tables show. Ours alone, so it can grow; readers ignore what they do not know.
// Totals count since the rule or the supervisor began and never go backwards; rates are over the last second.
import { z } from "zod";

const count = z.number().nonnegative();
/** A number; of a rule with ranges the text that it was written as: `5000-5999`, `+1000`. */
export const ports = z.union([count, z.string()]);
/** Per second. */
const rate = z.number().nonnegative();
/** Bytes of memory. */
const size = z.number().nonnegative();

/** How a loop waits and sends: by io_uring, or without it by ppoll and sendmmsg. */
export const ioKind = z.enum(["io_uring", "ppoll"]);

/** Seconds since; absent: never. */
const age = z.number().nonnegative().optional();

/** Inside the relay, from the kernel's timestamp of a frame to the completion of its send; sampled, within 12.5 %. */
const latencySchema = z.looseObject({
  samples: count,
  p50_us: count,
  p99_us: count,
  p999_us: count,
  max_us: count,
});

/** What a list and a status say alike of an output. */
export const outputFields = {
  group: z.string(),
  port: ports,
  interface: z.string(),
  source_ip: z.string().optional(),
  /** Ours, as the rule says them; absent: any port, DSCP 0, false. */
  source_port: count.optional(),
  dscp: count.optional(),
  preserve_source: z.boolean().optional(),
  /** Ours: why this output sends nothing yet; absent when it works. */
  pending: z.string().optional(),
};

const outputStatusSchema = z.looseObject({
  ...outputFields,
  /** What datagrams leave with: the output's own, else the default. Absent for unicast without one: the kernel's. */
  ttl: count.optional(),
  /** The neighbour on the way that does not answer to ARP: what is sent to it is lost, though it counts as sent. */
  silent_neighbour: z.string().optional(),
  datagrams_sent: count,
  bytes_sent: count,
  /** The kernel refused the send. */
  datagrams_failed: count,
  /** We gave up on it before the kernel saw it. */
  datagrams_dropped: count,
  datagrams_per_second: rate,
  bits_per_second: rate,
  last_sent_seconds: age,
  /**
   * Of those dropped: `pending` (the output had no socket), `full` (its socket was, for too long), `removed`, `worker_died`,
   * `too_large` (for the MTU, and not fragmented because it keeps its sender's address).
   */
  drops: z.record(z.string(), count).optional(),
  /** Sends that the kernel refused, by errno name, e.g. `ENOBUFS`; most are tried again, what then fails is above. */
  failures: z.record(z.string(), count).optional(),
  /** Errno name of the last of them. */
  last_error: z.string().optional(),
});

const ruleStatusSchema = z.looseObject({
  rule_id: z.string(),
  name: z.string().optional(),
  input_interface: z.string(),
  input_group: z.string(),
  input_port: ports,
  input_protocol: count,
  input_source: z.string().optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  source: z.string(),
  state: z.enum(["active", "pending", "disabled"]),
  /** Why it is pending. */
  reason: z.string().optional(),
  /** Taken from the capture ring for this rule; bytes are payload. */
  datagrams: count,
  bytes: count,
  datagrams_per_second: rate,
  bits_per_second: rate,
  last_seen_seconds: age,
  ended: z.boolean().optional(),
  /** Why its datagrams go on into this host. */
  ended_reason: z.string().optional(),
  /** What is odd about the rule though it runs: others make what it makes, an allowed loop; absent: nothing. */
  warnings: z.array(z.string()).optional(),
  /** What tc ingress saw: meant for the rule (without fragments), and how many of them ended there. */
  arrived: z.looseObject({ datagrams: count, bytes: count, ended: count }).optional(),
  /** Arrived, and not taken from the ring: no room in it, refused, or still on the way. */
  missed: count.optional(),
  outputs: z.array(outputStatusSchema),
});

const framesSchema = z.looseObject({
  received: count,
  matched: count,
  no_match: count,
  /** Lost in the kernel because a capture ring was full. */
  kernel_drops: count,
  /** Turns in which ingress waited because egress was behind. Nothing is lost by it: frames wait in the capture ring. */
  queue_pauses: count,
  /** Frames not forwarded, by the name of the refusal, e.g. `fragment`. Only those that happened need be there. */
  refusals: z.record(z.string(), count),
});

const workerStatusSchema = z.looseObject({
  /** 0 while there is no process. */
  pid: count,
  core: count,
  state: z.enum(["starting", "running", "restarting", "stopping", "failed"]),
  /** Why, where the state needs a reason. */
  reason: z.string().optional(),
  restarts: count,
  /** How it waits and sends; absent until it is born. */
  io: ioKind.optional(),
  /** Of these, how often it was alive and stuck: stopped, spinning, or deaf to its orders. */
  stalls: count.optional(),
  /** How often it held other rules than it should, and was given them anew. */
  rule_repairs: count.optional(),
  /** Since it had answered all it was asked. */
  heartbeat_seconds: age,
  rss_bytes: size,
  /** Private to the process: what one more worker costs, rings aside. */
  private_bytes: size,
  /** Mapped capture rings. */
  ring_bytes: size,
  /** Datagrams between ingress and egress: now, the most there were, and the room. */
  queue: z.looseObject({ length: count, length_max: count, capacity: count }),
  wakeups_written: count,
  wakeups_avoided: count,
  /** Queue entries that lay there while egress slept and nobody had woken it: 0, or the wakeup is broken. */
  stranded: count.optional(),
  /** The JavaScript heap of each half as its last collection left it; 0 before the first. One heap where they share a thread. */
  heap_bytes: z.looseObject({ ingress: size, egress: size }).optional(),
  /** Log lines that its pipe did not take. */
  lines_lost: count.optional(),
  /** Of its process: time on a CPU, and the share of one over the last second. */
  cpu_seconds: count.optional(),
  cpu_share: count.optional(),
  /** Sends by how many datagrams they carried: up to 1, 2, 4, 8, 16, 32, 64, and more. */
  batches: z.array(count).optional(),
  /** The longest that each half was away from its ring, in microseconds. */
  stall_us: z.looseObject({ ingress: count, egress: count }).optional(),
  /** Since the start, and of the last minute. */
  latency: latencySchema.optional(),
  latency_minute: latencySchema.optional(),
  latency_buckets: z.array(count).optional(),
  latency_sum_us: count.optional(),
  frames: framesSchema,
});

const linkStatusSchema = z.looseObject({
  name: z.string(),
  /** Absent while the link does not exist. */
  index: count.optional(),
  state: z.enum(["up", "down", "missing"]),
  address: z.string().optional(),
  /** Groups joined on it. */
  memberships: count,
  /** Rules that take from it, outputs that send to it. */
  inputs: count,
  outputs: count,
  kernel_drops: count,
  /** Taken from its capture rings; of these, with a VLAN tag, and the id of the last such tag. */
  frames: count.optional(),
  tagged: count.optional(),
  last_vlan: count.optional(),
  /** Memberships said again (--rejoin-interval): IGMP reports sent, rounds that failed, seconds since the last, why it fails now. */
  rejoin: z
    .looseObject({ reports: count, failed: count, last_seconds: age, problem: z.string().optional() })
    .optional(),
  /** How the program that ends datagrams is attached; absent: it is not. */
  ending: z.string().optional(),
});

/** What a router of two does: it sends, or it waits, joined and warm. */
export const roles = ["active", "standby"] as const;

export const statusSchema = z.looseObject({
  program_version: z.string(),
  /** Of the source that it was built from, where that is known. */
  program_commit: z.string().optional(),
  uptime_seconds: count,
  role: z.enum(roles).optional(),
  pipeline: z.enum(["split", "unified"]),
  /** How workers are to wait and send, and why not by io_uring when nobody asked for that. */
  io: z.looseObject({ kind: ioKind, reason: z.string().optional() }).optional(),
  /** Whether the program that ends datagrams after the tap is loaded, and if not, why. */
  ending: z.looseObject({ is_available: z.boolean(), reason: z.string().optional() }).optional(),
  supervisor: z.looseObject({ pid: count, rss_bytes: size, private_bytes: size, cpu_seconds: count.optional() }),
  rules: z.array(ruleStatusSchema),
  workers: z.array(workerStatusSchema),
  /** The worker in reserve; absent while there is none. `is_ready`: it could take over now. */
  spare: z
    .looseObject({ pid: count, is_ready: z.boolean(), rss_bytes: size, private_bytes: size, cpu_seconds: count })
    .optional(),
  links: z.array(linkStatusSchema),
  /** Over all workers there ever were. */
  frames: framesSchema,
  latency: latencySchema.optional(),
  latency_minute: latencySchema.optional(),
  /** The newest lines of the log, oldest first. */
  log_tail: z.array(z.string()).optional(),
});

/** One sum that must hold: `total` is the sum of `parts`, exactly or within `tolerance`. */
export const accountSchema = z.looseObject({
  worker: count,
  name: z.string(),
  /** What `total` counts. */
  whole: z.string(),
  total: count,
  parts: z.record(z.string(), z.number()),
  difference: z.number(),
  tolerance: count,
  holds: z.boolean(),
});
export type Account = z.output<typeof accountSchema>;
export type Latency = z.output<typeof latencySchema>;

export type Status = z.output<typeof statusSchema>;
export type RuleStatus = z.output<typeof ruleStatusSchema>;
export type OutputStatus = z.output<typeof outputStatusSchema>;
export type FrameStatus = z.output<typeof framesSchema>;
export type WorkerStatus = z.output<typeof workerStatusSchema>;
export type LinkStatus = z.output<typeof linkStatusSchema>;
