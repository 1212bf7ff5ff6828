// The overview, and the page of one verb. Both come from the table, so they cannot disagree with the parser.
import { programName, programVersion } from "../base/version.ts";
import { fold, foldCommand } from "./fold.ts";
import { table } from "./table.ts";
import { type OptionSpec, socketOptions, type Verb } from "./verb.ts";

/** Wide enough to say something, narrow enough for half a screen. */
const columns = 100;

const chapters = ["Run", "Rules", "Watch", "Test", "Help"] as const;

/** `mcr-appliance help` */
export function overview(verbs: readonly Verb[]): string {
  const parts = chapters.map((chapter) => {
    const rows = verbs
      .filter((verb) => verb.chapter === chapter && verb.hidden !== true)
      .map((verb) => [`  ${verb.name}`, verb.summary]);
    return table([{ head: `${chapter}:` }, { head: "" }], rows);
  });
  return [
    `${programName} ${programVersion}: relays multicast between interfaces`,
    "",
    "usage: mcr-appliance [--socket-path PATH] [--json] COMMAND [options]",
    "",
    parts.join("\n\n"),
    "",
    "'mcr-appliance help COMMAND' shows options and examples, 'mcr-appliance COMMAND --help' is short.",
  ].join("\n");
}

/** `mcr-appliance help add`: everything. */
export function page(verb: Verb): string {
  const parts = [
    `${verb.name}: ${verb.summary}`,
    usageLine(verb),
    ...(verb.details ?? []).map((text) => fold(text, columns)),
    optionTable(verb),
  ];
  if (verb.aliases !== undefined) {
    parts.push(`also called: ${verb.aliases.join(", ")}`);
  }
  const examples = verb.examples.map(({ line, does }) =>
    [`# ${does}`, ...foldCommand(line, columns - 2)].map((each) => `  ${each}`).join("\n"),
  );
  parts.push(`examples:\n${examples.join("\n")}`);
  return parts.join("\n\n");
}

/** `mcr-appliance add --help`: what to type, for who knows what it does. */
export function shortPage(verb: Verb): string {
  const more = `'mcr-appliance help ${verb.name}' says more, with examples.`;
  return [`${verb.name}: ${verb.summary}\n${usageLine(verb)}`, optionTable(verb), more].join("\n\n");
}

function optionTable(verb: Verb): string {
  const options = Object.entries(optionsOf(verb)).map(([name, spec]) => ({
    head: `  --${name}${value(spec)}`,
    text: describeOption(spec),
  }));
  const heads = options.map(({ head }) => head.length);
  const room = Math.max(columns - Math.max(...heads, 0) - gap, summaryColumnsMin);
  const rows = options.flatMap(({ head, text }) =>
    fold(text, room)
      .split("\n")
      .map((line, at) => [at === 0 ? head : "", line]),
  );
  return table([{ head: "options:" }, { head: "" }], [...rows, ["  -h, --help", "this, in short"]]);
}

/** What table() puts between two columns. */
const gap = 2;
/** Beside the longest option a summary still has room to be read. */
const summaryColumnsMin = 40;

/** All options of a verb, those of the socket too. */
export function optionsOf(verb: Verb): Readonly<Record<string, OptionSpec>> {
  return { ...verb.options, ...(verb.usesSocket ? socketOptions : {}) };
}

function value(spec: OptionSpec): string {
  return spec.value === undefined ? "" : ` ${spec.value}`;
}

/** What an option is for, whether it must be given, and what holds without it. */
export function describeOption(spec: OptionSpec): string {
  const notes = [
    spec.required === true ? "required" : "",
    spec.default === undefined ? "" : `default: ${spec.default}`,
  ];
  const said = notes.filter((note) => note !== "").join("; ");
  return said === "" ? spec.summary : `${spec.summary} (${said})`;
}

/** How the verb is called. */
export function usageLine(verb: Verb): string {
  const required = Object.entries(verb.options).filter(([, spec]) => spec.required === true);
  const parts = required.map(([name, spec]) => `--${name}${value(spec)}`);
  const positionals = (verb.positionals ?? []).map((name) => `[${name}]`);
  return ["usage: mcr-appliance", verb.name, ...parts, "[options]", ...positionals].join(" ");
}
