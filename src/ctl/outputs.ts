// The grammar of --outputs: GROUP:PORT:INTERFACE[?ttl=N&source=ADDRESS…], comma-separated and/or repeated. MCR's
// GROUP:PORT:INTERFACE is the same without the tail. Shape only; the values are judged by the rule's schema.
import { suggestion } from "../base/nearest.ts";
import { done, failed, type Outcome } from "../base/outcome.ts";
import { found } from "../rules/fields.ts";

/** An output as written, numbers read where they are numbers. */
export type WrittenOutput = {
  group: string;
  port: number | string;
  interface: string;
} & OutputDefaults;

/** What outputs get that do not say otherwise. */
export type OutputDefaults = {
  ttl?: number | string | undefined;
  source_ip?: string | undefined;
  source_port?: number | string | undefined;
  dscp?: number | string | undefined;
  preserve_source?: boolean | string | undefined;
};

/** The settings that may stand behind an output's `?`, and what each says. */
const settings: Readonly<Record<string, (text: string) => OutputDefaults>> = {
  ttl: (text) => ({ ttl: numberOf(text) }),
  source: (text) => ({ source_ip: text }),
  "source-port": (text) => ({ source_port: numberOf(text) }),
  dscp: (text) => ({ dscp: numberOf(text) }),
  "preserve-source": (text) => ({ preserve_source: claimOf(text) }),
};

/** The number that decimal digits say; anything else stays text, for the schema to refuse by name. */
export function numberOf(text: string): number | string {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : text;
}

/** The claim that a word makes; anything else stays text, for the schema to refuse by name. */
export function claimOf(text: string): boolean | string {
  return text === "true" || text === "false" ? text === "true" : text;
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
  const own = parseSettings(part, tail === undefined ? [] : tail.split("&"));
  return own.ok
    ? done({ group, port: numberOf(port), interface: name, ...besides(own.value, defaults), ...own.value })
    : own;
}

function parseSettings(part: string, texts: readonly string[]): Outcome<OutputDefaults> {
  const given: OutputDefaults = {};
  const seen = new Set<string>();
  for (const text of texts) {
    const [key = "", value, ...rest] = text.split("=");
    if (value === undefined || value === "" || rest.length > 0) {
      return failed(`${found(text)} in output ${found(part)} does not have the form name=value`);
    }
    if (seen.has(key)) {
      return failed(`'${key}' stands twice in output ${found(part)}`);
    }
    seen.add(key);
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (setting === undefined) {
      const near = suggestion(key, Object.keys(settings));
      return failed(`unknown setting ${found(key)} in output ${found(part)}.${near}`);
    }
    Object.assign(given, setting(value));
  }
  return done(given);
}

/** Of `defaults`, what does not contradict an output's own settings: where its datagrams come from is said in one of two ways. */
function besides(own: OutputDefaults, defaults: OutputDefaults): OutputDefaults {
  const { source_ip, source_port, preserve_source, ...rest } = defaults;
  const isNamed = own.source_ip !== undefined || own.source_port !== undefined;
  return {
    ...rest,
    ...(own.preserve_source === true ? {} : { source_ip, source_port }),
    ...(isNamed ? {} : { preserve_source }),
  };
}
