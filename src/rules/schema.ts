// What a rule is. Everything that becomes a rule, from the control socket, the file or the supervisor's orders, passes
// one of these schemas; behind them every field can be believed. Field names and their order are the wire's.
import { z } from "zod";
import { limits } from "../limits.ts";
import { checkOutput, espSourcePort, joinContradiction } from "./contradictions.ts";
import {
  claim,
  compact,
  dscp,
  found,
  hostAddress,
  igmpVersion,
  linkName,
  list,
  objectError,
  portZero,
  protocol,
  rejoinInterval,
  sourcePort,
  text,
  ttl,
  wrongType,
} from "./fields.ts";
import { ruleId } from "./id.ts";
import { description, plainLabels, tags } from "./labels.ts";
import { rangeProblems } from "./mapping.ts";
import { destinations, hostAddresses, inputLinkProblem, inputPorts, joinList, outputPort } from "./range-fields.ts";

/** The protocols that can be relayed, by their number in the IPv4 header. */
export const protocols = { udp: 17, esp: 50 } as const;

/**
 * One side that a rule sends to. `ttl` absent: the configured default for multicast, the kernel's for unicast. `dscp` absent: 0.
 * `preserve_source`: datagrams leave with the address and port of their sender (relay/stamp.ts).
 */
export const outputSchema = z
  .object(
    {
      group: destinations,
      port: outputPort,
      interface: linkName,
      ttl: ttl.nullish(),
      source_ip: hostAddress.nullish(),
      source_port: sourcePort.nullish(),
      dscp: dscp.nullish(),
      preserve_source: claim.nullish(),
    },
    objectError,
  )
  .check(checkOutput)
  .transform(compact);

/** A link, or those whose names begin with what stands before a '*'. */
const inputLink = z.string({ error: wrongType("the name of a network interface") }).check((context) => {
  const problem = inputLinkProblem(context.value);
  if (problem !== undefined) {
    context.issues.push({ code: "custom", message: `${found(context.value)} ${problem}`, input: context.value });
  }
});

/**
 * `input_join`: which groups of a prefix are joined.
 * `exclusive`: whether nobody else on this host wants the input's datagrams; absent: found out (supervise/ending/ending-policy.ts).
 * `input_igmp_version`, `input_rejoin_interval` (seconds): how its group is reported (supervise/watch/rejoin.ts).
 * `allow_loop`: the rule may stand in a cycle of rules (loops.ts); one that allows it is enough for the cycle.
 * `enabled` false: the rule is kept and listed, and holds nothing. `description`, `tags`: for people, and to pick rules by.
 */
const ruleFields = {
  name: text("a name", limits.ruleNameSizeMax).nullish(),
  input_interface: inputLink,
  input_group: destinations,
  input_port: inputPorts,
  input_protocol: protocol.default(protocols.udp),
  input_source: hostAddresses.nullish(),
  input_join: joinList.nullish(),
  input_igmp_version: igmpVersion.nullish(),
  input_rejoin_interval: rejoinInterval.nullish(),
  outputs: list(outputSchema, "outputs", limits.ruleOutputsMax),
  exclusive: claim.nullish(),
  allow_loop: claim.nullish(),
  enabled: claim.nullish(),
  description: description.nullish(),
  tags: tags.nullish(),
};

const ruleIdText = text("a rule id", limits.ruleIdSizeMax);

type Fields = z.output<z.ZodObject<typeof ruleFields>>;

/** What no field can tell by itself. */
function checkRule(context: z.core.ParsePayload<Fields>): void {
  const { input_group: group, input_source: source, ...rest } = context.value;
  const { input_igmp_version: igmp_version, input_rejoin_interval: rejoin_interval } = rest;
  const joining = joinContradiction({ group, source, igmp_version, rejoin_interval });
  if (joining !== undefined) {
    const { field, message } = joining;
    context.issues.push({ code: "custom", message, path: [`input_${field}`], input: undefined });
  }
  checkRanges(context);
  checkPorts(context);
}

/** Whether the outputs can take, one to one, what the input says. */
function checkRanges(context: z.core.ParsePayload<Fields>): void {
  const { input_group: group, input_port: port, input_protocol: protocol, input_join: join, outputs } = context.value;
  for (const { path, message } of rangeProblems({ group, port, protocol, join }, outputs)) {
    const [side, field, ...rest] = path;
    const place = side === "input" ? [`input_${String(field)}`, ...rest] : path;
    context.issues.push({ code: "custom", message, path: place, input: undefined });
  }
}

/** ESP has no ports, so only there 0 may stand for "none", and nothing else for one. */
function checkPorts(context: z.core.ParsePayload<Fields>): void {
  const rule = context.value;
  if (rule.input_protocol === protocols.esp) {
    for (const [index, output] of rule.outputs.entries()) {
      const message = espSourcePort(output);
      if (message !== undefined) {
        context.issues.push({ code: "custom", message, path: ["outputs", index, "source_port"], input: undefined });
      }
    }
    return;
  }
  if (rule.input_port === 0) {
    context.issues.push({ code: "custom", message: portZero, path: ["input_port"], input: 0 });
  }
  for (const [index, output] of rule.outputs.entries()) {
    if (output.port === 0) {
      context.issues.push({ code: "custom", message: portZero, path: ["outputs", index, "port"], input: 0 });
    }
  }
}

/** A rule as an operator asks for it: the id may be missing or empty, the protocol too. */
export const ruleDraftSchema = z
  .object({ rule_id: ruleIdText.nullish(), ...ruleFields }, objectError)
  .check(checkRule)
  .transform(compact);

/** Who made the rule: the configuration file or somebody at run time. */
export const originSchema = z.enum(["Static", "Dynamic"]);

/** A rule as the supervisor holds it and sends it to workers. */
export const ruleSchema = z
  .object({ rule_id: ruleIdText.min(1, "must not be empty"), ...ruleFields, source: originSchema }, objectError)
  .check(checkRule)
  .transform(compact);

export type Output = z.output<typeof outputSchema>;
export type RuleDraft = z.output<typeof ruleDraftSchema>;
export type Rule = z.output<typeof ruleSchema>;
export type Origin = z.output<typeof originSchema>;

/**
 * The rule that a draft asks for. Without an id it gets the hash of its input. The hash takes the port as it was written;
 * the rule itself carries port 0 for ESP, which has none.
 */
export function makeRule(draft: RuleDraft, source: Origin): Rule {
  const { rule_id: wanted, enabled, description: words, tags: given, ...fields } = draft;
  const { input_interface, input_group, input_port, input_protocol, input_source } = fields;
  const derived = () => ruleId(input_interface, input_group, input_port, input_protocol, input_source);
  return {
    rule_id: wanted === undefined || wanted === "" ? derived() : wanted,
    ...fields,
    input_port: input_protocol === protocols.esp ? 0 : input_port,
    ...plainLabels({ enabled, description: words, tags: given }),
    source,
  };
}
