// The configuration file, field by field, as INTEROP.md section 3 describes it. Unknown keys are tolerated: files in use
// have them. The protocol sections are checked although nothing uses them yet: a wrong file should not wait to be found.
// Descriptions are for editors: they travel in the JSON Schema (json-schema.ts).
import { z } from "zod";
import { limits } from "../limits.ts";
import { checkOutput, joinContradiction } from "../rules/contradictions.ts";
import {
  claim,
  compact,
  dscp,
  hostAddress,
  igmpVersion,
  list,
  objectError,
  rejoinInterval,
  sourcePort,
  text,
  ttl,
  whole,
} from "../rules/fields.ts";
import { description, tags, tagWords } from "../rules/labels.ts";
import { rangeProblems } from "../rules/mapping.ts";
import { destinations, hostAddresses, inputPorts, joinList, outputPort } from "../rules/range-fields.ts";
import { protocols } from "../rules/schema.ts";
import { inputLink, link, protocolSections } from "./sections.ts";

/** The side that a rule takes from. */
export const inputSchema = z
  .object(
    {
      interface: inputLink.describe("where datagrams arrive; 'eth0.*' is every interface whose name begins so"),
      group: destinations.describe(
        "their destination, multicast or unicast: an address, or a prefix such as 239.1.0.0/16",
      ),
      port: inputPorts.describe('their destination port, or a range such as "5000-5999"; 0 only for esp'),
      protocol: z.string({ error: 'must be "udp" or "esp"' }).nullish().describe('"udp" (the default) or "esp"'),
      source: hostAddresses.nullish().describe("only datagrams of this sender, or of this prefix"),
      join: joinList.nullish().describe("which groups of a prefix are joined; none unless listed"),
      igmp_version: igmpVersion
        .nullish()
        .describe("the IGMP version its group is reported in again, 2 or 3; default: what the interface speaks"),
      rejoin_interval: rejoinInterval
        .nullish()
        .describe("seconds between two reports of its group, 0 for never; default: --rejoin-interval"),
    },
    objectError,
  )
  .check((context) => {
    const found = joinContradiction(context.value);
    if (found !== undefined) {
      context.issues.push({ code: "custom", message: found.message, path: [found.field], input: undefined });
    }
  });

const outputShape = {
  group: destinations.describe(
    "where datagrams go to, multicast or unicast; a prefix as long as that of the input is mapped one to one",
  ),
  port: outputPort.describe('their new destination port, or what is added to that of the input, such as "+1000"'),
  interface: link.describe("where they leave"),
  ttl: ttl.nullish().describe("TTL they leave with; default: multicast_ttl for multicast, the kernel's for unicast"),
  source_ip: hostAddress.nullish().describe("source address they leave with; default: the interface's"),
  source_port: sourcePort.nullish().describe("source port they leave with; default: any"),
  dscp: dscp.nullish().describe("DSCP they leave with, e.g. 46 (EF); default: 0"),
  preserve_source: claim
    .nullish()
    .describe("whether they leave with the source address and port of their sender; default: false"),
};

/** The names of an output's fields. */
export const outputKeys = Object.keys(outputShape);

const outputSchema = z.object(outputShape, objectError).check(checkOutput).transform(compact);

/** One rule of the file. */
const fileRule = z.object(
  {
    rule_id: text("a rule id", limits.ruleIdSizeMax)
      .nullish()
      .describe("an id of your own; default: a hash of the input"),
    name: text("a name", limits.ruleNameSizeMax).nullish().describe("a name to remember the rule by"),
    description: description.nullish().describe("a line for people, shown in lists"),
    tags: tags.nullish().describe(`words to pick rules by, as 'list --tag' does; each ${tagWords}`),
    enabled: claim
      .nullish()
      .describe(
        "false: the rule is kept and listed, but takes no datagram, joins no group and opens no socket; default: true",
      ),
    input: inputSchema,
    outputs: list(outputSchema, "outputs", limits.ruleOutputsMax),
    exclusive: claim
      .nullish()
      .describe("whether nobody else on this host wants these datagrams; default: found out while it runs"),
    allow_loop: claim
      .nullish()
      .describe(
        "whether this rule may be part of a loop of rules, as when a group is relayed both ways; default: false",
      ),
  },
  objectError,
);

/** One rule of the file, its fields beside each other too. */
export const fileRuleSchema = fileRule.check((context) => {
  const { input, outputs } = context.value;
  const { group, port, join } = input;
  const protocol = input.protocol === "esp" ? protocols.esp : protocols.udp;
  for (const { path, message } of rangeProblems({ group, port, protocol, join }, outputs)) {
    context.issues.push({ code: "custom", message, path, input: context.value });
  }
});

const pinningSchema = z
  .record(link, list(whole("a CPU number", 0, 4095), "CPU numbers", 4096), objectError)
  .check((context) => {
    for (const [name, cores] of Object.entries(context.value)) {
      if (cores.length === 0) {
        const message = `invalid pinning: empty core list for pinned interface '${name}'`;
        context.issues.push({ code: "custom", message, input: cores, path: [name] });
      }
    }
  });

export const configSchema = z.object(
  {
    $schema: z.string({ error: "must be the address of a JSON Schema" }).nullish().describe("for editors; not used"),
    pinning: pinningSchema
      .nullish()
      .describe("MCR's: interface -> CPU numbers; checked, and not in effect: use --cores"),
    rules: list(fileRuleSchema, "rules", limits.rulesMax).nullish(),
    multicast_ttl: ttl.nullish().describe("TTL of multicast outputs that name none; default: 1"),
    ...protocolSections,
  },
  objectError,
);

export type Config = z.output<typeof configSchema>;
export type FileRule = z.output<typeof fileRuleSchema>;
