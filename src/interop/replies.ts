// Replies as MCR's client prints them: the fields that MCR has, in its order, and none of ours (INTEROP.md 2.4). A script that
// searches the output for `active` must not find our word in a rule. Values stay as they came.
import { z } from "zod";

const kept = z.unknown();
const perhaps = kept.optional();

const output = z.object({ group: kept, port: kept, interface: kept, ttl: perhaps, source_ip: perhaps });

const shapes: Record<string, z.ZodType> = {
  Rules: z.array(
    z.object({
      rule_id: kept,
      name: perhaps,
      input_interface: kept,
      input_group: kept,
      input_port: kept,
      input_protocol: kept,
      input_source: perhaps,
      outputs: z.array(output),
      source: kept,
    }),
  ),
  Workers: z.array(z.object({ pid: kept, worker_type: kept, core_id: kept, interface: kept, status: kept })),
  Version: z.object({ protocol_version: kept }),
  Config: z.object({
    pinning: kept,
    rules: z.array(
      z.object({
        name: perhaps,
        input: z.object({ interface: kept, group: kept, port: kept, protocol: kept }),
        outputs: z.array(output.omit({ source_ip: true })),
      }),
    ),
    multicast_ttl: kept,
    pim: perhaps,
    igmp: perhaps,
    msdp: perhaps,
    control_plane: perhaps,
  }),
};

/** The reply `value`, `{ Key: … }` or a bare word, without fields that MCR does not have. What has no shape here stays whole. */
export function asMcr(value: unknown): unknown {
  const [entry, ...others] = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (entry === undefined || others.length > 0) {
    return value;
  }
  const [key, content] = entry;
  const parsed = shapes[key]?.safeParse(content);
  return parsed?.success === true ? { [key]: parsed.data } : value;
}
