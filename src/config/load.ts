// From a path to rules. Reads and judges; changes nothing.
import { readFile, stat } from "node:fs/promises";
import type { z } from "zod";
import { done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { limits } from "../limits.ts";
import { inputKey } from "../rules/key.ts";
import { makeRule, protocols, type Rule } from "../rules/schema.ts";
import { RuleTable } from "../rules/table.ts";
import { type Config, configSchema, type FileRule } from "./schema.ts";
import { protocolSectionNames } from "./sections.ts";

/** What a file asks for. `multicastTtl` is absent when the file says nothing. `warnings` are for the log, one line each. */
export type LoadedConfig = { rules: Rule[]; multicastTtl?: number; warnings: string[] };

/** The rules of a configuration file, all valid and free of conflicts; or one text that says what is wrong and where. */
export async function loadConfig(path: string): Promise<Outcome<LoadedConfig>> {
  const content = await readBounded(path);
  return content.ok ? parseConfig(content.value) : content;
}

async function readBounded(path: string): Promise<Outcome<string>> {
  const refuse = (reason: string) => failed(`failed to read config file '${printable(path)}': ${reason}`);
  try {
    // Before opening: to open a FIFO is to wait for its writer.
    const about = await stat(path);
    if (!about.isFile()) {
      return refuse("it is not a regular file");
    }
    if (about.size > limits.configSizeMax) {
      return refuse(`it has ${about.size} bytes; at most ${limits.configSizeMax} are read`);
    }
    return done(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path)));
  } catch (error) {
    return refuse(reasonOf(error));
  }
}

/** The same for a text that is already here. */
export function parseConfig(content: string): Outcome<LoadedConfig> {
  let value: unknown;
  try {
    value = Bun.JSON5.parse(content);
  } catch (error) {
    return failed(`failed to parse config: ${reasonOf(error)}`);
  }
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    return failed(describe(parsed.error));
  }
  const rules = makeRules(parsed.data.rules ?? []);
  if (!rules.ok) {
    return rules;
  }
  const ttl = parsed.data.multicast_ttl ?? undefined;
  const warnings = warningsOf(parsed.data);
  return done({ rules: rules.value, warnings, ...(ttl === undefined ? {} : { multicastTtl: ttl }) });
}

/** The first problem only, as MCR does. */
function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) {
    return "invalid configuration";
  }
  const where = issue.path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .slice(1);
  // A refused key of a map carries its own complaint inside.
  const message = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  if (message.startsWith("invalid ")) {
    return where === "" ? message : `${message} (at ${printable(where)})`;
  }
  return `${where === "" ? "the configuration" : printable(where)} ${message}`;
}

function makeRules(fileRules: FileRule[]): Outcome<Rule[]> {
  const table = new RuleTable();
  const indexByKey = new Map<string, number>();
  for (const [index, fileRule] of fileRules.entries()) {
    const rule = fromFile(fileRule);
    const problem = portProblem(rule, index);
    if (problem !== undefined) {
      return failed(problem);
    }
    const key = inputKey(rule);
    const first = indexByKey.get(key);
    if (first !== undefined) {
      const { interface: name, group, port } = fileRule.input;
      return failed(`duplicate rule for input ${name}:${group}:${port} (rules ${first} and ${index})`);
    }
    indexByKey.set(key, index);
    const added = table.add(rule);
    if (!added.ok) {
      return failed(`rules[${index}]: ${added.error}`);
    }
  }
  return done(table.list());
}

function portProblem(rule: Rule, index: number): string | undefined {
  if (rule.input_protocol === protocols.esp) {
    return undefined;
  }
  if (rule.input_port === 0) {
    return `invalid port 0 in rule ${index}`;
  }
  return rule.outputs.some((output) => output.port === 0) ? `invalid port 0 in rule ${index} output` : undefined;
}

function fromFile({ name, input, outputs, exclusive }: FileRule): Rule {
  const source = input.source ?? undefined;
  return makeRule(
    {
      ...(name === undefined || name === null ? {} : { name }),
      input_interface: input.interface,
      input_group: input.group,
      input_port: input.port,
      input_protocol: input.protocol === "esp" ? protocols.esp : protocols.udp,
      ...(source === undefined ? {} : { input_source: source }),
      outputs: outputs,
      ...(exclusive === undefined || exclusive === null ? {} : { exclusive }),
    },
    "Static",
  );
}

function warningsOf(config: Config): string[] {
  const warnings: string[] = [];
  for (const name of protocolSectionNames) {
    if (config[name] !== undefined && config[name] !== null) {
      warnings.push(`section '${name}' is accepted, but what it asks for is not available yet`);
    }
  }
  if (Object.keys(config.pinning ?? {}).length > 0) {
    warnings.push("section 'pinning' is accepted, but not in effect yet; use --cores");
  }
  for (const [index, rule] of (config.rules ?? []).entries()) {
    const { protocol, interface: name } = rule.input;
    if (protocol !== undefined && protocol !== null && protocol !== "esp" && protocol.toLowerCase() !== "udp") {
      warnings.push(
        `rules[${index}].input.protocol '${printable(protocol)}' is taken as "udp"; known are "udp" and "esp"`,
      );
    }
    if (name === "lo" || rule.outputs.some((output) => output.interface === "lo")) {
      warnings.push(`rules[${index}] uses 'lo': everything sent there comes back in on it`);
    }
  }
  return warnings;
}
