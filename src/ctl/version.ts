// version: of this file and of the supervisor that runs, which may differ after an upgrade.
import { printable } from "../base/printable.ts";
import { programName, programVersion } from "../base/version.ts";
import { askAndShow } from "./answer.ts";
import type { Verb, World } from "./verb.ts";

export const version: Verb = {
  kind: "verb",
  name: "version",
  chapter: "Watch",
  summary: "show the versions of this program and of the running supervisor",
  details: ["'mcr-appliance --version' prints the version of this program alone and needs no supervisor."],
  usesSocket: true,
  options: {},
  examples: [{ line: "mcr-appliance version", does: "both versions" }],
  run: (_given, world) => run(world),
};

function run(world: World): Promise<number> {
  if (!world.json) {
    world.say(`${programName} ${programVersion}`);
  }
  return askAndShow(world, "GetVersion", "Version", (of) => {
    const program = of.program_version === undefined ? "another program" : printable(of.program_version);
    const features = Object.entries(of.features ?? {}).map(
      ([name, value]) => `, ${printable(name)} ${printable(value)}`,
    );
    return `supervisor: ${program} (protocol ${of.protocol_version})${features.join("")}`;
  });
}
