// version: of this file and of the supervisor that runs, which may differ after an upgrade.
import { printable } from "../base/printable.ts";
import { liburingVersion, programCommit, programLibc, programName, programVersion } from "../base/version.ts";
import { askAndShow } from "./answer.ts";
import type { Verb, World } from "./verb.ts";

export const version: Verb = {
  name: "version",
  chapter: "Watch",
  summary: "show the versions of this program and of the running supervisor",
  details: [
    "'mcr-appliance --version' prints the version of this program alone and needs no supervisor; with --verbose also what it was " +
      "built from, and what of this kernel it would use. That is tried, so it depends on who asks.",
  ],
  usesSocket: true,
  options: { verbose: { summary: "commit, Bun, liburing and kernel features too" } },
  examples: [
    { line: "mcr-appliance version", does: "both versions" },
    { line: "mcr-appliance --version --verbose", does: "all about this file, without a supervisor" },
  ],
  run: (given, world) => run(world, given.flag("verbose")),
};

/** What this file is: one line, or with `isVerbose` all about it. Throws where the shim is of another build. */
export async function ownVersion(isVerbose: boolean): Promise<string> {
  const name = `${programName} ${programVersion}`;
  if (!isVerbose) {
    return name;
  }
  // On demand: the native library takes its time.
  const { abilitiesHere, abilityLines } = await import("../doctor/abilities.ts");
  const lines: [string, string][] = [
    ["commit", programCommit],
    ["bun", Bun.version],
    ["liburing", liburingVersion],
    ["machine", `${process.platform} ${process.arch}, ${programLibc}`],
    ...abilityLines(await abilitiesHere()),
  ];
  return [name, ...lines.map(([about, text]) => `${about.padEnd(11)} ${printable(text)}`)].join("\n");
}

async function run(world: World, isVerbose: boolean): Promise<number> {
  if (!world.json) {
    world.say(await ownVersion(isVerbose));
  }
  return askAndShow(world, "GetVersion", "Version", (of) => {
    const program = of.program_version === undefined ? "another program" : printable(of.program_version);
    const features = Object.entries(of.features ?? {}).map(
      ([name, value]) => `, ${printable(name)} ${printable(value)}`,
    );
    return `supervisor: ${program} (protocol ${of.protocol_version})${features.join("")}`;
  });
}
