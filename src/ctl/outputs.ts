// The grammar of --outputs: GROUP:PORT:INTERFACE[?ttl=N&source=ADDRESS], comma-separated and/or repeated. MCR's
// GROUP:PORT:INTERFACE is the same without the tail. Shape only; the values are judged by the rule's schema.
import { suggestion } from "../base/nearest.ts";
import { done, failed, type Outcome } from "../base/outcome.ts";
import { found } from "../rules/fields.ts";

/** An output as written, numbers read where they are numbers. */
export type WrittenOutput = {
  group: string;
  port: number | string;
  interface: string;
  ttl?: number | string;
  source_ip?: string;
};

/** What outputs get that do not say otherwise. */
export type OutputDefaults = { ttl?: number | string; source_ip?: string };

/** The number that decimal digits say; anything else stays text, for the schema to refuse by name. */
export function numberOf(text: string): number | string {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : text;
}

/** Reads all of `specs`. The error names the part that does not fit. */
export function parseOutputs(specs: readonly string[], defaults: OutputDefaults): Outcome<WrittenOutput[]> {
  const outputs: WrittenOutput[] = [];
  for (const part of specs.flatMap((spec) => spec.split(","))) {
    const output = parseOutput(part, defaults);
    if (!output.ok) {
      return output;
    }
    outputs.push(output.value);
  }
  return done(outputs);
}

const shape = "GROUP:PORT:INTERFACE[?ttl=N&source=ADDRESS], e.g. 239.2.2.2:5001:eth1?ttl=4";

function parseOutput(part: string, defaults: OutputDefaults): Outcome<WrittenOutput> {
  const [address = "", tail, ...tails] = part.split("?");
  const [group, port, name, ...more] = address.split(":");
  if (group === undefined || port === undefined || name === undefined || more.length > 0 || tails.length > 0) {
    return failed(`output ${found(part)} does not have the form ${shape}`);
  }
  const output: WrittenOutput = { group, port: numberOf(port), interface: name, ...defaults };
  const seen = new Set<string>();
  for (const setting of tail === undefined ? [] : tail.split("&")) {
    const [key = "", value, ...rest] = setting.split("=");
    if (value === undefined || value === "" || rest.length > 0) {
      return failed(`${found(setting)} in output ${found(part)} does not have the form name=value`);
    }
    if (seen.has(key)) {
      return failed(`'${key}' stands twice in output ${found(part)}`);
    }
    seen.add(key);
    if (key === "ttl") {
      output.ttl = numberOf(value);
    } else if (key === "source") {
      output.source_ip = value;
    } else {
      return failed(`unknown setting ${found(key)} in output ${found(part)}.${suggestion(key, ["ttl", "source"])}`);
    }
  }
  return done(output);
}
