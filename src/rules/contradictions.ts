// Fields that are each right by themselves and cannot stand together. The file and the wire spell some of them differently, so
// the paths are the caller's.
import type { z } from "zod";
import { isMulticast } from "../base/ipv4.ts";
import { parsePrefix } from "./range.ts";

/** One contradiction: the field to blame and what reads after its name. */
type Contradiction<Field extends string> = { field: Field; message: string } | undefined;

type OutputFields = {
  source_ip?: string | null | undefined;
  source_port?: number | null | undefined;
  preserve_source?: boolean | null | undefined;
};

/** A zod check of one output, file or wire. */
export function checkOutput(context: z.core.ParsePayload<OutputFields>): void {
  const { preserve_source, ...sources } = context.value;
  for (const [field, value] of Object.entries({ source_ip: sources.source_ip, source_port: sources.source_port })) {
    if (preserve_source === true && value !== undefined && value !== null) {
      const message =
        "contradicts preserve_source: a datagram leaves with its sender's address and port, or with those the output names; leave one of the two out";
      context.issues.push({ code: "custom", message, path: [field], input: value });
    }
  }
}

/** Whether the ESP rule's output names what only UDP has; the text reads after the field `source_port`. */
export function espSourcePort(output: OutputFields): string | undefined {
  return (output.source_port ?? undefined) === undefined ? undefined : "has no meaning for ESP, which has no ports";
}

/** What contradicts itself in how an input is joined. Fields as the file names them. */
export function joinContradiction(input: {
  group: string;
  source?: string | null | undefined;
  igmp_version?: number | null | undefined;
  rejoin_interval?: number | null | undefined;
}): Contradiction<"igmp_version" | "rejoin_interval"> {
  const isUnicast = !isMulticast(parsePrefix(input.group)?.first ?? 0xe0000000);
  const given = (["igmp_version", "rejoin_interval"] as const).find((name) => (input[name] ?? undefined) !== undefined);
  if (isUnicast && given !== undefined) {
    return { field: given, message: `has no meaning for the unicast address ${input.group}, which is not joined` };
  }
  return input.igmp_version === 2 && (input.source ?? undefined) !== undefined
    ? {
        field: "igmp_version",
        message:
          "cannot be 2 where a source is named: IGMPv2 joins a group from every sender; use 3, or leave one of the two out",
      }
    : undefined;
}
