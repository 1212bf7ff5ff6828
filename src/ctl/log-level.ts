// log-level: which lines the supervisor and its workers write, changed while they run.

import { suggestion } from "../base/nearest.ts";
import { printable } from "../base/printable.ts";
import type { ListedLevels } from "../control/words.ts";
import { type Facility, facilities, levelNamed, levels } from "../log/record.ts";
import { askAndShow, usage } from "./answer.ts";
import { table } from "./table.ts";
import type { Given, Verb, World } from "./verb.ts";

const levelWords = levels.map((level) => level.toLowerCase());

export const logLevel: Verb = {
  name: "log-level",
  chapter: "Watch",
  summary: "show or change which log lines are written",
  details: [
    `Levels, gravest first: ${levelWords.join(", ")}.`,
    `Facilities: ${facilities.join(", ")}. One with a level of its own does not follow the global one.`,
    "Workers follow at once, those born later too; a restart of the supervisor forgets it. 'trace' writes lines for every " +
      "frame: forwarding goes on, but costs more.",
  ],
  usesSocket: true,
  positionals: ["get|set|reset", "LEVEL"],
  options: { facility: { value: "FACILITY", summary: "with 'set': for this part of the program alone" } },
  examples: [
    { line: "mcr-appliance log-level get", does: "the levels as they are" },
    { line: "mcr-appliance log-level set debug", does: "everything but traces" },
    { line: "mcr-appliance log-level set --facility Ingress trace", does: "what becomes of each frame" },
    { line: "mcr-appliance log-level reset", does: "back to the levels of the start" },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const [action, level] = given.positionals;
  const facility = given.text("facility");
  switch (action) {
    case "set":
      return set(level, facility, world);
    case "get":
    case "reset":
      if (level !== undefined || facility !== undefined) {
        return usage(world, `'log-level ${action}' takes no level and no facility`);
      }
      return action === "get"
        ? askAndShow(world, "GetLogLevels", "LogLevels", show)
        : askAndShow(world, "ResetLogLevels", "Success", printable);
    default: {
      const said = action === undefined ? "nothing" : `'${printable(action)}'`;
      return usage(world, `'log-level' needs get, set or reset, not ${said}. See 'mcr-appliance help log-level'.`);
    }
  }
}

async function set(text: string | undefined, facilityText: string | undefined, world: World): Promise<number> {
  const level = levelNamed(text ?? "");
  if (level === undefined) {
    const said = text === undefined ? "" : `, not '${printable(text)}'`;
    return usage(world, `'log-level set' needs a level: ${levelWords.join(", ")}${said}`);
  }
  if (facilityText === undefined) {
    return askAndShow(world, { SetGlobalLogLevel: { level } }, "Success", printable);
  }
  const facility = facilityNamed(facilityText);
  if (facility === undefined) {
    const near = suggestion(facilityText, facilities);
    return usage(world, `unknown facility '${printable(facilityText)}'.${near} There are ${facilities.join(", ")}.`);
  }
  return askAndShow(world, { SetFacilityLogLevel: { facility, level } }, "Success", printable);
}

/** In any case: nobody remembers the capitals. */
function facilityNamed(text: string): Facility | undefined {
  return facilities.find((facility) => facility.toLowerCase() === text.toLowerCase());
}

function show({ global, facility_overrides }: ListedLevels): string {
  const rows = Object.entries(facility_overrides).map(([facility, level]) => [facility, level.toLowerCase()]);
  return table([{ head: "FACILITY" }, { head: "LEVEL" }], [["all others", global.toLowerCase()], ...rows]);
}
