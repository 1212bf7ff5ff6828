// The configuration file, field by field, as INTEROP.md section 3 describes it. Unknown keys are tolerated: files in use
// have them. The protocol sections are checked although nothing uses them yet: a wrong file should not wait to be found.
import { z } from "zod";
import { limits } from "../limits.ts";
import {
  claim,
  compact,
  destination,
  hostAddress,
  list,
  objectError,
  port,
  text,
  ttl,
  whole,
} from "../rules/fields.ts";
import { link, protocolSections } from "./sections.ts";

const inputSchema = z.object(
  {
    interface: link,
    group: destination,
    port,
    protocol: z.string({ error: 'must be "udp" or "esp"' }).nullish(),
    source: hostAddress.nullish(),
  },
  objectError,
);

const outputSchema = z
  .object(
    { group: destination, port, interface: link, ttl: ttl.nullish(), source_ip: hostAddress.nullish() },
    objectError,
  )
  .transform(compact);

const ruleSchema = z.object(
  {
    name: text("a name", limits.ruleNameSizeMax).nullish(),
    input: inputSchema,
    outputs: list(outputSchema, "outputs", limits.ruleOutputsMax),
    exclusive: claim.nullish(),
  },
  objectError,
);

const pinningSchema = z
  .record(link, list(whole("a CPU number", 0, 4095), "CPU numbers", 4096), objectError)
  .check((context) => {
    for (const [name, cores] of Object.entries(context.value)) {
      if (cores.length === 0) {
        const message = `invalid pinning: empty core list for pinned interface '${name}'`;
        context.issues.push({ code: "custom", message, input: cores });
      }
    }
  });

export const configSchema = z.object(
  {
    pinning: pinningSchema.nullish(),
    rules: list(ruleSchema, "rules", limits.rulesMax).nullish(),
    multicast_ttl: ttl.nullish(),
    ...protocolSections,
  },
  objectError,
);

export type Config = z.output<typeof configSchema>;
export type FileRule = z.output<typeof ruleSchema>;
