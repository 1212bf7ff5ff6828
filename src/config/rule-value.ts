// A rule of the file and a rule at run time: one into the other and back, with nothing lost.
import { compact } from "../rules/fields.ts";
import { makeRule, type Output, protocols, type Rule } from "../rules/schema.ts";
import type { FileRule } from "./schema.ts";

/** A rule as the file writes it. `rule_id` only where it is not the hash of the input. */
export type RuleValue = {
  rule_id?: string;
  name?: string;
  description?: string;
  tags?: string[];
  enabled?: boolean;
  input: {
    interface: string;
    group: string;
    port: number | string;
    protocol?: "esp";
    source?: string;
    join?: string[];
    igmp_version?: number;
    rejoin_interval?: number;
  };
  outputs: Output[];
  exclusive?: boolean;
  allow_loop?: boolean;
};

/** The rule that a rule of the file asks for. */
export function fromFile({ rule_id, name, input, outputs, ...more }: FileRule): Rule {
  return makeRule(
    {
      ...compact({ rule_id, name }),
      input_interface: input.interface,
      input_group: input.group,
      input_port: input.port,
      input_protocol: input.protocol === "esp" ? protocols.esp : protocols.udp,
      ...compact({
        input_source: input.source,
        input_join: input.join,
        input_igmp_version: input.igmp_version,
        input_rejoin_interval: input.rejoin_interval,
      }),
      outputs,
      ...compact(more),
    },
    "Static",
  );
}

/** How the file says `rule`; fromFile() makes the same rule of it. */
export function toFile(rule: Rule): RuleValue {
  const value: RuleValue = {
    ...compact({ name: rule.name, description: rule.description, tags: rule.tags, enabled: rule.enabled }),
    input: {
      interface: rule.input_interface,
      group: rule.input_group,
      port: rule.input_port,
      ...(rule.input_protocol === protocols.esp ? { protocol: "esp" as const } : {}),
      ...compact({
        source: rule.input_source,
        join: rule.input_join,
        igmp_version: rule.input_igmp_version,
        rejoin_interval: rule.input_rejoin_interval,
      }),
    },
    outputs: rule.outputs,
    ...compact({ exclusive: rule.exclusive, allow_loop: rule.allow_loop }),
  };
  const isDerived = fromFile(value).rule_id === rule.rule_id;
  return isDerived ? value : { rule_id: rule.rule_id, ...value };
}

/** Whether two rules say the same. Who made them is not part of it. */
export function isSameRule(a: Rule, b: Rule): boolean {
  return a.rule_id === b.rule_id && Bun.deepEquals(toFile(a), toFile(b));
}
