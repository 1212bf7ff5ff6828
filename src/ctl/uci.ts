// uci: OpenWrt's configuration, translated to ours. Its init script calls it before every start and reload.
import { readFile } from "node:fs/promises";
import { exitCodes } from "../base/exit.ts";
import { done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { writeAll } from "../config/write.ts";
import { limits } from "../limits.ts";
import { usage } from "./answer.ts";
import { type Networks, translateUci, type UciProblem } from "./uci/translate.ts";
import type { Given, Verb, World } from "./verb.ts";

const fileDefault = "/etc/config/mcr";

export const uci: Verb = {
  name: "uci",
  chapter: "Run",
  summary: "translate OpenWrt's /etc/config/mcr to a configuration file",
  details: [
    "Sections of type 'rule' become rules, 'multicast_ttl' of the section of type 'mcr' becomes the file's. Everything else in " +
      "that section is for the init script. Mistakes are told with their lines, all at once, and then nothing is written (exit code 78).",
    "An interface may be a logical network: --network says which device that is. One without a device (--network wan=) waits: its rules " +
      "and outputs are left out, with a warning, until the init script translates again.",
  ],
  usesSocket: false,
  positionals: ["FILE"],
  options: {
    network: { value: "NAME=DEVICE", summary: "the device of a logical network; may be repeated", multiple: true },
    output: { value: "PATH", summary: "replace this file, in one step; without it the text is printed" },
  },
  examples: [
    { line: "mcr-appliance uci --network lan=br-lan --network wan=eth1", does: "what the relay would read" },
    { line: "mcr-appliance uci --output /var/run/mcr/mcr.json5", does: "as the init script does" },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const [file = fileDefault, more] = given.positionals;
  const networks = networksOf(given.texts("network"));
  if (more !== undefined || !networks.ok) {
    return usage(world, networks.ok ? "'uci' takes one FILE. See 'mcr-appliance help uci'." : networks.error);
  }
  let written: string;
  try {
    written = await readFile(file, "utf8");
  } catch (thrown) {
    world.complain(`mcr-appliance: ${printable(file)} cannot be read: ${printable(reasonOf(thrown))}`);
    return exitCodes.configuration;
  }
  const { text, rules, problems } = translateUci(written, file, networks.value);
  complain(problems, file, world);
  if (text === undefined) {
    return exitCodes.configuration;
  }
  const path = given.text("output");
  if (path === undefined) {
    world.say(text.trimEnd());
    return exitCodes.ok;
  }
  const saved = await writeAll([{ path, text }]);
  if (!saved.ok) {
    world.complain(`mcr-appliance: ${printable(saved.error)}`);
    return exitCodes.system;
  }
  world.say(`${printable(path)}: ${rules} rule${rules === 1 ? "" : "s"}`);
  return exitCodes.ok;
}

function networksOf(texts: readonly string[]): Outcome<Networks> {
  const networks = new Map<string, string>();
  for (const text of texts) {
    const [, name, device] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || device === undefined) {
      return failed(`--network must be NAME=DEVICE such as lan=br-lan, not '${printable(text)}'`);
    }
    networks.set(name, device);
  }
  return done(networks);
}

function complain(problems: readonly UciProblem[], file: string, world: World): void {
  for (const { line, severity, message } of problems.slice(0, limits.configProblemsMax)) {
    world.complain(`${printable(file)}:${line}: ${severity === "warning" ? "warning: " : ""}${message}`);
  }
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (errors > 0) {
    world.complain(`${errors} error${errors === 1 ? "" : "s"}; nothing was written`);
  }
}
