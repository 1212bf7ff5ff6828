// From argv to a verb and what it was given. Pure: prints nothing, runs nothing.
import { parseArgs } from "node:util";
import { assert } from "../base/assert.ts";
import { suggestion } from "../base/nearest.ts";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { type Given, type OptionSpec, socketOptions, type Verb } from "./verb.ts";

/** What the operator wants. */
export type Parsed =
  | { kind: "overview" }
  | { kind: "version"; isVerbose: boolean }
  | { kind: "help"; verb: Verb }
  | { kind: "verb"; verb: Verb; given: Given };

/** Where the verb stands, -1: nowhere; options of the socket may come before it, with their values. */
export function verbIndex(args: readonly string[]): number {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (!arg.startsWith("-")) {
      return index;
    }
    if (arg === "--socket-path") {
      index++;
    }
  }
  return -1;
}

/** Reads `args` (without program names) by the table `verbs`. The error is a usage error's text. */
export function parse(args: readonly string[], verbs: readonly Verb[]): Outcome<Parsed> {
  const at = verbIndex(args);
  const word = args[at];
  if (word === undefined) {
    return parseBare(args);
  }
  const verb = findVerb(word, verbs);
  if (verb === undefined) {
    const names = verbs.flatMap((known) => [known.name, ...(known.aliases ?? [])]);
    return failed(`unknown command '${printable(word)}'.${suggestion(word, names)} 'mcr-appliance help' lists all.`);
  }
  const before = args.slice(0, at);
  const after = args.slice(at + 1);
  if (before.includes("--help") || before.includes("-h")) {
    return done({ kind: "help", verb });
  }
  return parseVerb(verb, [...before, ...after]);
}

/** The verb that begins `args`, or why there is none. */
export function findVerb(word: string, verbs: readonly Verb[]): Verb | undefined {
  return verbs.find((verb) => verb.name === word || verb.aliases?.includes(word));
}

/** No verb at all. */
function parseBare(args: readonly string[]): Outcome<Parsed> {
  if (args.length === 0 || args.includes("--help") || args.includes("-h")) {
    return done({ kind: "overview" });
  }
  if (args.includes("--version") || args.includes("-V")) {
    return done({ kind: "version", isVerbose: args.includes("--verbose") });
  }
  return failed(`a command is missing after ${args.map(printable).join(" ")}. 'mcr-appliance help' lists all.`);
}

function parseVerb(verb: Verb, args: string[]): Outcome<Parsed> {
  const options = { ...verb.options, ...(verb.usesSocket ? socketOptions : {}) };
  const known = Object.entries(options);
  let result: ReturnType<typeof readArgs>;
  try {
    result = readArgs(args, known);
  } catch (error) {
    return failed(usageError(error, verb, Object.keys(options)));
  }
  const { values, positionals, tokens } = result;
  if (values["help"] === true) {
    return done({ kind: "help", verb });
  }
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind === "option") {
      if (seen.has(token.name) && options[token.name]?.multiple !== true) {
        return failed(`--${token.name} is given twice.${seeHelp(verb)}`);
      }
      seen.add(token.name);
    }
  }
  const missing = known.filter(([name, spec]) => spec.required === true && values[name] === undefined);
  if (missing.length > 0) {
    return failed(`'${verb.name}' needs ${missing.map(([name]) => `--${name}`).join(", ")}.${seeHelp(verb)}`);
  }
  const places = verb.positionals?.length ?? 0;
  if (positionals.length > places && verb.positionals?.at(-1)?.endsWith("...") !== true) {
    const extra = positionals[places] ?? "";
    return failed(`unexpected argument '${printable(extra)}' for '${verb.name}'.${seeHelp(verb)}`);
  }
  return done({ kind: "verb", verb, given: givenOf(values, positionals, options) });
}

function readArgs(args: string[], known: [string, OptionSpec][]) {
  const config: Record<string, { type: "string" | "boolean"; multiple?: boolean; short?: string }> = {
    help: { type: "boolean", short: "h" },
  };
  for (const [name, spec] of known) {
    config[name] = { type: spec.value === undefined ? "boolean" : "string", multiple: spec.multiple === true };
  }
  return parseArgs({ args, options: config, strict: true, tokens: true, allowPositionals: true });
}

function seeHelp(verb: Verb): string {
  return ` See 'mcr-appliance help ${verb.name}'.`;
}

/** node:util's complaint in our words. */
function usageError(error: unknown, verb: Verb, names: string[]): string {
  const text = reasonOf(error);
  const option = /'(-[^' ]*)/.exec(text)?.[1] ?? "";
  if (codeOf(error) === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    const near = suggestion(option.replace(/^-+/, ""), names).replace("'", "'--");
    return `unknown option '${printable(option)}' for '${verb.name}'.${near}${seeHelp(verb)}`;
  }
  if (codeOf(error) === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
    const reason = text.includes("does not take")
      ? "takes no value"
      : "needs a value; one that begins with '-' goes after '='";
    return `${printable(option)} ${reason}.${seeHelp(verb)}`;
  }
  return `${printable(text)}.${seeHelp(verb)}`;
}

function givenOf(
  values: Record<string, string | boolean | (string | boolean)[] | undefined>,
  positionals: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
): Given {
  const of = (name: string) => {
    assert(Object.hasOwn(options, name), `option --${name} stands in the table of its verb`);
    return values[name];
  };
  return {
    text: (name) => {
      const value = of(name);
      return typeof value === "string" ? value : undefined;
    },
    texts: (name) => {
      const value = of(name);
      return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
    },
    flag: (name) => of(name) === true,
    positionals,
  };
}
