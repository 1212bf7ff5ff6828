// What makes two inputs the same input.
import type { Rule } from "./schema.ts";

/** The fields that decide which datagrams a rule takes. */
export type Input = Pick<Rule, "input_interface" | "input_group" | "input_port" | "input_protocol"> & {
  input_source?: string | undefined;
};

/** A string that is equal exactly when two inputs are: interface names hold neither ':' nor '/', so parts cannot run together. */
export function inputKey(input: Input): string {
  const source = input.input_source === undefined ? "" : `/${input.input_source}`;
  return `${input.input_interface}:${input.input_group}:${input.input_port}/${input.input_protocol}${source}`;
}

/** The input in words, for messages: `eth0 239.1.1.1:5000 from 10.0.0.1`. */
export function describeInput(input: Input): string {
  const what = input.input_protocol === 50 ? `${input.input_group} (ESP)` : `${input.input_group}:${input.input_port}`;
  const from = input.input_source === undefined ? "" : ` from ${input.input_source}`;
  return `${input.input_interface} ${what}${from}`;
}

/** A rule in words, for messages: `rule 'feed-a' (id: 18302982b59d5f86)`. */
export function describeRule({ rule_id, name }: Pick<Rule, "rule_id"> & { name?: string | undefined }): string {
  return name === undefined ? `rule ${rule_id}` : `rule '${name}' (id: ${rule_id})`;
}
