// The manual: three pages made from the table of verbs and from the schema of the file, so that they cannot disagree with the program.
import { exitCodes } from "../../base/exit.ts";
import { programName, programVersion } from "../../base/version.ts";
import { configPathDefault } from "../../config/files.ts";
import { describeOption, optionsOf, usageLine } from "../help.ts";
import { socketOptions, type Verb } from "../verb.ts";
import { fields } from "./fields.ts";
import { capital, escaped, examples, line, paragraphs, section, subsection, terms } from "./roff.ts";

/** What can be asked for, with its section of the manual. */
export const pages = { [programName]: 8, [`${programName}-supervise`]: 8, "mcr.json5": 5 } as const;
export const pageNames: readonly string[] = Object.keys(pages);

/** The page `name` of `pageNames` as roff. */
export function manPage(name: string, verbs: readonly Verb[]): string {
  const shown = verbs.filter(({ hidden }) => hidden !== true);
  const body =
    name === "mcr.json5"
      ? filePage()
      : name === programName
        ? clientPage(shown.filter((verb) => verb.name !== "supervise"))
        : shown.filter((verb) => verb.name === "supervise").flatMap(daemonPage);
  const title = `.TH "${escaped(name.toUpperCase())}" ${pages[name] ?? 8} "" "${programName} ${programVersion}"`;
  return [title, ...body, ...seeAlso(name)].join("\n");
}

function clientPage(verbs: readonly Verb[]): string[] {
  return [
    ...section("NAME", line(`${programName} - relays multicast between interfaces: the operator's commands`)),
    ...section(
      "SYNOPSIS",
      `\\fB${escaped(programName)}\\fR ${escaped("[--socket-path PATH] [--json] COMMAND [options]")}`,
    ),
    ...section("DESCRIPTION", line(`Commands ask a supervisor that runs; see ${programName}-supervise(8).`)),
    ...section("OPTIONS", ...terms(Object.entries(socketOptions).map(optionTerm))),
    ...section("COMMANDS", ...verbs.flatMap(verbPart)),
    ...section("EXIT STATUS", ...terms(clientStatuses)),
    ...section("ENVIRONMENT", ...terms([["MCR_SOCKET", "the control socket, where --socket-path does not name it"]])),
    ...section("FILES", ...terms([[socketOptions["socket-path"]?.default ?? "", "the control socket"]])),
  ];
}

function daemonPage(verb: Verb): string[] {
  const options = Object.entries(optionsOf(verb)).map(optionTerm);
  return [
    ...section("NAME", line(`${programName}-supervise - ${verb.summary}`)),
    ...section("SYNOPSIS", `\\fB${escaped(programName)} ${verb.name}\\fR ${escaped("[options]")}`),
    ...section("DESCRIPTION", ...paragraphs(verb.details ?? [])),
    ...section("OPTIONS", ...terms(options)),
    ...section("SIGNALS", ...terms(signals)),
    ...section("EXIT STATUS", ...terms(daemonStatuses)),
    ...section(
      "FILES",
      ...terms([[configPathDefault, "rules and settings, with conf.d/*.json5 beside it; see mcr.json5(5)"]]),
    ),
    ...section("EXAMPLES", ...examples(verb.examples)),
  ];
}

function filePage(): string[] {
  return [
    ...section("NAME", line(`mcr.json5 - configuration of ${programName}`)),
    ...section(
      "DESCRIPTION",
      ...paragraphs([
        `${configPathDefault} is JSON5: JSON with comments, trailing commas and keys without quotes. Files conf.d/*.json5 beside it are ` +
          "read too, in the order of their names; their rules are added, a setting may stand in one file only.",
        "'mcr-appliance config check' tells every mistake with its line and column; 'mcr-appliance reload' or SIGHUP runs the files anew.",
      ]),
    ),
    ...section("FIELDS", ...terms(fields().map(({ path, text }) => [path, text] as const))),
    ...section("EXAMPLES", ".PP", ".RS 4", ".nf", ...example.map(line), ".fi", ".RE"),
  ];
}

const example = [
  "{",
  "  multicast_ttl: 4, // of outputs that name none",
  "  rules: [",
  "    {",
  '      name: "feed-a",',
  '      input: { interface: "eth0", group: "239.1.1.1", port: 5000 },',
  '      outputs: [{ group: "239.2.2.2", port: 5001, interface: "eth1" }],',
  "    },",
  "  ],",
  "}",
];

const signals: readonly (readonly [string, string])[] = [
  ["SIGTERM, SIGINT", "send what is queued, end the workers, end; a second one does not wait"],
  ["SIGHUP", "read the configuration files again, as 'reload' does"],
  ["SIGUSR2", "let the program that is on disk now take over, as 'reload-binary' does"],
];

type Status = readonly (readonly [string, string])[];
const status = (code: number, meaning: string) => [String(code), meaning] as const;

/** Those of every part of the program, by number as sysexits.h has them. */
const commonStatuses: Status = [
  status(exitCodes.broken, "a defect of the program"),
  status(exitCodes.system, "the operating system refused"),
];

const daemonStatuses: Status = [
  status(exitCodes.ok, "ended as asked"),
  status(exitCodes.usage, "the command line is wrong"),
  status(exitCodes.unavailable, "another supervisor has the socket, or the kernel lacks something"),
  ...commonStatuses,
  status(exitCodes.permission, "permission denied"),
  status(exitCodes.configuration, "the configuration is wrong"),
];

const clientStatuses: Status = [
  status(exitCodes.ok, "done"),
  status(
    exitCodes.refused,
    "the supervisor refused, and nothing was changed; sink: something was lost, repeated or damaged; stats --check: a sum does not " +
      "hold; doctor: warnings (2: errors)",
  ),
  status(exitCodes.usage, "the command line is wrong"),
  status(exitCodes.unavailable, "no supervisor serves the socket, or this system lacks something"),
  ...commonStatuses,
  status(exitCodes.protocol, "the other end does not speak this protocol"),
  status(exitCodes.permission, "permission denied"),
  status(exitCodes.configuration, "the configuration is wrong"),
];

function verbPart(verb: Verb): string[] {
  const options = Object.entries(verb.options).map(optionTerm);
  const also = verb.aliases === undefined ? [] : [`Also called ${verb.aliases.join(", ")}.`];
  return [
    ...subsection(verb.name, line(`${capital(verb.summary)}.`)),
    ...paragraphs([usageLine(verb)]),
    ...paragraphs([...(verb.details ?? []), ...also]),
    ...terms(options),
    ...examples(verb.examples),
  ];
}

function optionTerm([name, spec]: [string, Parameters<typeof describeOption>[0]]): readonly [string, string] {
  return [`--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, describeOption(spec)];
}

function seeAlso(name: string): string[] {
  const others = Object.entries(pages).filter(([other]) => other !== name);
  return section("SEE ALSO", others.map(([other, part]) => `\\fB${escaped(other)}\\fR(${part})`).join(",\n"));
}
