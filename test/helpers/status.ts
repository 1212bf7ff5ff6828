// What GetStatus says, as far as the tests read it. Written from the reply, not from src/.
import { z } from "zod";
import type { Relay } from "./relay.ts";
import { until } from "./until.ts";

const count = z.number();
/** Of one output of a rule. */
export const outputSchema = z.object({
  interface: z.string(),
  pending: z.string().optional(),
  silent_neighbour: z.string().optional(),
  preserve_source: z.boolean().optional(),
  datagrams_sent: count,
  bytes_sent: count,
  datagrams_failed: count,
  datagrams_dropped: count,
  /** How often the kernel refused a send, by errno name. */
  failures: z.record(z.string(), count).optional(),
  /** What was given up before the kernel saw it, by reason. */
  drops: z.record(z.string(), count).default({}),
});
const ruleSchema = z.object({
  rule_id: z.string(),
  name: z.string().optional(),
  state: z.enum(["active", "pending", "disabled"]),
  reason: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  datagrams: count,
  outputs: z.array(outputSchema),
});
/** What became of the frames, in sum or of one worker. */
export const framesSchema = z.object({
  received: count,
  matched: count,
  no_match: count,
  kernel_drops: count,
  refusals: z.record(z.string(), count),
});
const workerSchema = z.object({
  pid: count,
  core: count,
  state: z.string(),
  restarts: count,
  io: z.string().optional(),
  stalls: count,
  rule_repairs: count,
  dropped_by_death: count,
  heartbeat_seconds: count.optional(),
  private_bytes: count,
  ring_bytes: count,
  cpu_seconds: count.optional(),
  /** How often a send was refused, by errno name. */
  send_errors: z.record(z.string(), count),
  frames: framesSchema,
});
const linkSchema = z.object({
  name: z.string(),
  state: z.string(),
  rejoin: z.object({ reports: count, failed: count }).optional(),
});
const statusSchema = z.object({
  role: z.enum(["active", "standby"]),
  pipeline: z.string(),
  io: z.object({ kind: z.string(), reason: z.string().optional() }),
  rules: z.array(ruleSchema),
  workers: z.array(workerSchema),
  links: z.array(linkSchema),
  spare: z.object({ pid: count, is_ready: z.boolean(), private_bytes: count }).optional(),
  frames: framesSchema,
});

export type Status = z.output<typeof statusSchema>;
export type RuleStatus = z.output<typeof ruleSchema>;
export type OutputStatus = z.output<typeof outputSchema>;

export async function statusOf(relay: Relay): Promise<Status> {
  return z.object({ Status: statusSchema }).parse(await relay.send("GetStatus")).Status;
}

/** The rule with this name; an error when there is none. */
export async function ruleOf(relay: Relay, name: string): Promise<RuleStatus> {
  const { rules } = await statusOf(relay);
  const found = rules.find((rule) => rule.name === name);
  if (found === undefined) throw new Error(`no rule is named ${name}; there are ${rules.map((rule) => rule.name)}`);
  return found;
}

/** The output of a rule on this link. */
export async function outputOf(relay: Relay, name: string, link: string): Promise<OutputStatus> {
  const found = (await ruleOf(relay, name)).outputs.find((output) => output.interface === link);
  if (found === undefined) throw new Error(`rule ${name} has no output on ${link}`);
  return found;
}

/** Waits until every datagram that a rule matched was accounted for on every output, and returns the rule. */
export function settled(relay: Relay, name: string): Promise<RuleStatus> {
  return until(
    "matched = sent + failed + dropped, on each output",
    () => ruleOf(relay, name),
    ({ datagrams, outputs }) =>
      outputs.every((each) => each.datagrams_sent + each.datagrams_failed + each.datagrams_dropped === datagrams),
  );
}

/** Waits until a spare worker is ready, and returns its pid. */
export async function spareOf(relay: Relay): Promise<number> {
  const { spare } = await until(
    "a spare",
    () => statusOf(relay),
    ({ spare }) => spare?.is_ready === true,
    { deadlineMs: 10_000 },
  );
  return spare?.pid ?? 0;
}
