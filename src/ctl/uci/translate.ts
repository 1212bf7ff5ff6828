// From UCI to our own file: which option becomes what, and every mistake with the line of the UCI file. Pure.
import { suggestion } from "../../base/nearest.ts";
import { done, failed, type Outcome } from "../../base/outcome.ts";
import { printable } from "../../base/printable.ts";
import { judgeTexts } from "../../config/load.ts";
import { found } from "../../rules/fields.ts";
import { numberOf, parseOutputs, type WrittenOutput } from "../outputs.ts";
import { parseUci, type UciComplaint, type UciOption, type UciSection } from "./parse.ts";

/** What is wrong, or should be known, in which line of the UCI file. */
export type UciProblem = UciComplaint & { severity: "error" | "warning" };

/** The text of our file; only when none of `problems` is an error. */
export type Translation = { text?: string; rules: number; problems: UciProblem[] };

/** Logical networks and their devices; an empty one: the network has none now. */
export type Networks = ReadonlyMap<string, string>;

/** What the init script reads (appliance/openwrt/mcr.init); `multicast_ttl` alone goes into our file. */
const globalKeys = [
  ...[
    "enabled",
    "workers",
    "cores",
    "pipeline",
    "io",
    "spare",
    "log_level",
    "metrics",
    "read_group",
    "rejoin_interval",
  ],
  ...["jail", "multicast_ttl"],
];
const ruleKeys = [
  ...["enabled", "name", "interface", "group", "port", "source", "protocol", "output", "ttl", "source_ip"],
  ...["exclusive", "allow_loop"],
];
const listKeys: readonly string[] = ["output"];

/** The words of config_get_bool in OpenWrt's /lib/functions.sh. */
const words = new Map<string, boolean>([
  ...["1", "on", "true", "yes", "enabled"].map((word) => [word, true] as const),
  ...["0", "off", "false", "no", "disabled"].map((word) => [word, false] as const),
]);

/** Lines of our file, each with the UCI line that it comes from. */
type Lines = { text: string; from: number }[];

/** Translates the UCI text of `file`. */
export function translateUci(text: string, file: string, networks: Networks): Translation {
  const { sections, complaints } = parseUci(text);
  const problems: UciProblem[] = complaints.map((each) => ({ ...each, severity: "error" }));
  const lines: Lines = [
    { text: `// Made from ${file} by 'mcr-appliance uci': what is changed here is lost.`, from: 1 },
  ];
  const tell = (line: number, message: string, severity: UciProblem["severity"] = "error") =>
    problems.push({ line, message, severity });
  let rules = 0;
  lines.push({ text: "{", from: 1 });
  for (const section of sections.filter(({ type }) => type === "mcr")) {
    judgeKeys(section, globalKeys, tell);
    const ttl = section.options.get("multicast_ttl")?.values[0];
    if (ttl !== undefined) {
      lines.push({ text: `  multicast_ttl: ${JSON.stringify(numberOf(ttl.text))},`, from: ttl.line });
    }
  }
  lines.push({ text: "  rules: [", from: 1 });
  for (const section of sections.filter(({ type }) => type === "rule")) {
    judgeKeys(section, ruleKeys, tell);
    const written = ruleLines(section, networks, tell);
    lines.push(...written);
    rules += written.length > 0 ? 1 : 0;
  }
  lines.push({ text: "  ],", from: 1 }, { text: "}", from: 1 });
  for (const { type, line } of sections.filter((each) => each.type !== "mcr" && each.type !== "rule")) {
    tell(line, `sections of type '${printable(type)}' are not read.${suggestion(type, ["mcr", "rule"])}`, "warning");
  }
  return finished(lines, rules, problems, file);
}

type Tell = (line: number, message: string, severity?: UciProblem["severity"]) => void;

function finished(lines: Lines, rules: number, problems: UciProblem[], file: string): Translation {
  const text = `${lines.map((line) => line.text).join("\n")}\n`;
  const home = (line: number) => lines[line - 1]?.from ?? 1;
  // The checks speak of our file, and of places in it.
  const inUci = (message: string) =>
    message
      .replace(/rules\[\d+\]\.(?:input\.)?/g, "")
      .replace(/:(\d+):\d+\b/g, (_, line: string) => `${printable(file)}:${home(Number(line))}`);
  const judged = judgeTexts([{ path: "", text }]).problems.map(({ severity, message, place }) => ({
    severity,
    message: inUci(message),
    line: home(place?.line ?? 1),
  }));
  // What follows from a mistake that was told is not told again.
  const told = new Set(problems.filter(({ severity }) => severity === "error").map(({ line }) => line));
  const all = [...problems, ...judged.filter(({ line }) => !told.has(line))].sort((a, b) => a.line - b.line);
  return all.some(({ severity }) => severity === "error") ? { rules, problems: all } : { text, rules, problems: all };
}

function judgeKeys({ options }: UciSection, known: readonly string[], tell: Tell): void {
  for (const { key, line, isList } of options.values()) {
    if (!known.includes(key)) {
      tell(line, `nothing reads '${key}'.${suggestion(key, known)}`, "warning");
    } else if (isList && !listKeys.includes(key)) {
      tell(line, `'${key}' is an option, not a list`);
    }
  }
}

/** The lines of one rule; none when it is switched off, or waits for its network. */
function ruleLines(section: UciSection, networks: Networks, tell: Tell): Lines {
  const { options, line, name } = section;
  const claim = (key: string) => claimOf(options.get(key), tell);
  const text = (key: string) => options.get(key)?.values[0];
  if (claim("enabled") === false) {
    return [];
  }
  const link = text("interface");
  const device = networks.get(link?.text ?? "") ?? link?.text;
  if (link !== undefined && device === "") {
    tell(link.line, `network '${link.text}' has no device now: the rule waits for it`, "warning");
    return [];
  }
  const outputs = outputsOf(section, networks, tell);
  if (outputs.length === 0) {
    return [];
  }
  const member = (key: string, value: unknown, from: number) =>
    value === undefined ? [] : [{ text: `      ${key}: ${JSON.stringify(value)},`, from }];
  const option = (key: string, read: (written: string) => unknown, as = key) => {
    const given = text(key);
    return given === undefined ? [] : member(as, read(given.text), given.line);
  };
  const same = (written: string) => written;
  return [
    { text: "    {", from: line },
    ...(options.has("name") ? option("name", same) : member("name", name, line)),
    ...claimLine("exclusive"),
    ...claimLine("allow_loop"),
    { text: "      input: {", from: line },
    ...member("interface", device, link?.line ?? line),
    ...option("group", same),
    ...option("port", numberOf),
    ...option("protocol", same),
    ...option("source", same),
    { text: "      },", from: line },
    { text: "      outputs: [", from: line },
    ...outputs,
    { text: "      ],", from: line },
    { text: "    },", from: line },
  ];

  function claimLine(key: string): Lines {
    return member(key, claim(key), options.get(key)?.line ?? line);
  }
}

/** A line for each output; without any that can be made now the rule is left out, and it was said why. */
function outputsOf(section: UciSection, networks: Networks, tell: Tell): Lines {
  const written = section.options.get("output");
  if (written === undefined) {
    tell(section.line, "the rule has no output: list output 'GROUP:PORT:INTERFACE'");
    return [];
  }
  const [ttl, source] = ["ttl", "source_ip"].map((key) => section.options.get(key)?.values[0]?.text);
  const defaults = {
    ...(ttl === undefined ? {} : { ttl: numberOf(ttl) }),
    ...(source === undefined ? {} : { source_ip: source }),
  };
  return written.values.flatMap(({ text, line }) => {
    const parsed = parseOutputs([text], defaults);
    if (!parsed.ok) {
      tell(line, parsed.error);
      return [];
    }
    return parsed.value.flatMap((output) => {
      const placed = placedOn(output, networks);
      if (!placed.ok) {
        tell(line, placed.error, "warning");
        return [];
      }
      return [{ text: `        ${JSON.stringify(placed.value)},`, from: line }];
    });
  });
}

function placedOn(output: WrittenOutput, networks: Networks): Outcome<WrittenOutput> {
  const device = networks.get(output.interface) ?? output.interface;
  return device === ""
    ? failed(`network '${printable(output.interface)}' has no device now: the output waits for it`)
    : done({ ...output, interface: device });
}

function claimOf(option: UciOption | undefined, tell: Tell): boolean | undefined {
  const [given] = option?.values ?? [];
  const claim = given && words.get(given.text);
  if (given !== undefined && claim === undefined) {
    tell(given.line, `'${option?.key}' must be 1 or 0, not ${found(given.text)}`);
  }
  return claim;
}
