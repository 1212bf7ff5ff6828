// The reply to Explain: verdicts on one rule, gravest first, each with what it was concluded from.
import { z } from "zod";

/** Every verdict there is. First those about the input, then about one output, then about other senders and rules; the last says that all is well. */
export const verdicts = [
  "disabled",
  "link_missing",
  "link_down",
  "pending",
  "no_worker",
  "not_joined",
  "joins",
  "tagged",
  "refused",
  "other_port",
  "other_source",
  "silent",
  "kernel_drops",
  "output_link_missing",
  "output_link_down",
  "output_no_route",
  "output_pending",
  "output_no_neighbour",
  "send_failed",
  "output_dropped",
  "goes_before",
  "goes_behind",
  "sent_twice",
  "warning",
  "forwarding",
] as const;
export type Verdict = (typeof verdicts)[number];

const evidenceSchema = z.looseObject({
  name: z.string(),
  value: z.union([z.number(), z.string()]),
  /** Since it was last counted. */
  age_seconds: z.number().nonnegative().optional(),
});

const findingSchema = z.looseObject({
  verdict: z.enum(verdicts),
  /** In words, with the cure where there is one. */
  text: z.string(),
  /** It happened since the start, and not of late. */
  is_past: z.literal(true).optional(),
  evidence: z.array(evidenceSchema),
});

export const explanationSchema = z.looseObject({
  rule_id: z.string(),
  name: z.string().optional(),
  /** As in `list`: `eth0 239.1.1.1:5000`. */
  input: z.string(),
  findings: z.array(findingSchema),
});

export type Evidence = z.output<typeof evidenceSchema>;
export type Finding = z.output<typeof findingSchema>;
export type Explanation = z.output<typeof explanationSchema>;
