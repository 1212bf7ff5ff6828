// One file's text, judged by itself: syntax, keys, and every field by the schema. All that is wrong is found in one go.
import type { z } from "zod";
import { printable } from "../base/printable.ts";
import { limits } from "../limits.ts";
import { compact } from "../rules/fields.ts";
import { unknownKeys } from "./json-schema.ts";
import { follow, meaningOf, memberOf, type Node, type Span } from "./json5/node.ts";
import { parseJson5 } from "./json5/parse.ts";
import { type Problem, Reporter } from "./problem.ts";
import { type Config, configSchema, inputSchema } from "./schema.ts";

/** A rule of the file, as far as it can be understood, for the checks of rules against each other. */
export type Sketch = {
  index: number;
  node: Node;
  id?: string;
  input?: z.output<typeof inputSchema>;
  /** What of the outputs is of the right type. */
  outputs: { port?: number | string; source_port?: number; interface?: string }[];
};

/** A file as it was read. `config` is there when the file, by itself, has no error. */
export type Judged = {
  file: string;
  text: string;
  root: Node;
  reporter: Reporter;
  config?: Config;
  sketches: Sketch[];
  problems: Problem[];
};

/** Judges `text`, which was read from `file`. */
export function judge(file: string, text: string): Judged {
  const reporter = new Reporter(file, text);
  const { root, complaints } = parseJson5(text);
  const problems = complaints.map(({ message, ...span }) =>
    reporter.problem("error", span, `failed to parse config: ${message}`),
  );
  for (const { key, first, name } of repeatedKeys(root)) {
    const message = `the key '${printable(name)}' stands here a second time; first at ${reporter.where(first.start)}`;
    problems.push(reporter.problem("error", key, message));
  }
  for (const { message, ...span } of unknownKeys(root)) {
    problems.push(reporter.problem("warning", span, message));
  }
  const parsed = configSchema.safeParse(meaningOf(root));
  for (const issue of parsed.error?.issues ?? []) {
    const span = spanOf(root, issue);
    if (span !== undefined) {
      problems.push(reporter.problem("error", span, messageOf(issue)));
    }
  }
  const isSound = parsed.success && !problems.some(({ severity }) => severity === "error");
  return {
    file,
    text,
    root,
    reporter,
    ...(isSound ? { config: parsed.data } : {}),
    sketches: sketchesOf(root),
    problems: problems.slice(0, limits.configProblemsMax),
  };
}

function* repeatedKeys(node: Node): Generator<{ name: string; key: Span; first: Span }> {
  if (node.kind === "array") {
    for (const item of node.items) {
      yield* repeatedKeys(item);
    }
  } else if (node.kind === "object") {
    const seen = new Map<string, Span>();
    for (const { name, key, value } of node.members) {
      const first = seen.get(name);
      if (first !== undefined) {
        yield { name, key, first };
      }
      seen.set(name, first ?? key);
      yield* repeatedKeys(value);
    }
  }
}

/** Where an issue stands; undefined when it is only the consequence of a mistake in the syntax. */
function spanOf(root: Node, issue: z.core.$ZodIssue): Span | undefined {
  const { node, key, isMissing } = follow(root, issue.path);
  if (node.kind === "broken") {
    return undefined;
  }
  if (isMissing) {
    const isDamaged = (node.kind === "object" || node.kind === "array") && node.isDamaged;
    // What is missing has no place; the brace of what should hold it has.
    return isDamaged ? undefined : { start: node.start, end: node.start + 1 };
  }
  if (issue.code === "invalid_key") {
    return key ?? node;
  }
  const isContainer = node.kind === "object" || node.kind === "array";
  return isContainer ? (key ?? { start: node.start, end: node.start + 1 }) : node;
}

/** Complaints that begin with "invalid" are MCR's and stand by themselves; others read after the field's name. */
function messageOf(issue: z.core.$ZodIssue): string {
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

function sketchesOf(root: Node): Sketch[] {
  const rules = memberOf(root, "rules")?.value;
  return (rules?.kind === "array" ? rules.items : []).map((node, index) => {
    const outputs = memberOf(node, "outputs")?.value;
    const input = inputSchema.safeParse(partOf(node, "input"));
    const id = partOf(node, "rule_id");
    return {
      index,
      node,
      ...compact({ id: typeof id === "string" && id !== "" ? id : undefined, input: input.data }),
      outputs: (outputs?.kind === "array" ? outputs.items : []).map((item) => {
        const [port, source, name] = [partOf(item, "port"), partOf(item, "source_port"), partOf(item, "interface")];
        return {
          ...(typeof port === "number" ? { port } : {}),
          ...(typeof source === "number" ? { source_port: source } : {}),
          ...(typeof name === "string" ? { interface: name } : {}),
        };
      }),
    };
  });
}

function partOf(node: Node, name: string): unknown {
  const member = memberOf(node, name);
  return member === undefined ? undefined : meaningOf(member.value);
}
