// init: from nothing to a first configuration file, and what to do next.
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { exitCodes } from "../base/exit.ts";
import { codeOf, done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { configPathDefault } from "../config/files.ts";
import { judgeTexts } from "../config/load.ts";
import { writeAll } from "../config/write.ts";
import { usage } from "./answer.ts";
import { showDoctor } from "./doctor.ts";
import { exampleSides, type FirstRule, firstFile } from "./init/first-file.ts";
import { type FoundLink, findLinks, type Guess, guess } from "./init/links.ts";
import { askRule, terminalAsk } from "./init/questions.ts";
import type { Given, Verb, World } from "./verb.ts";

export const init: Verb = {
  name: "init",
  chapter: "Run",
  summary: "write a first configuration file, check this machine, say what to do next",
  details: [
    `Writes FILE (${configPathDefault} when it is not named) with one rule and comments. On a terminal it asks where datagrams arrive and ` +
      "where they leave. Otherwise, or with --yes, it takes the interfaces that it finds, and writes the rule as an example that " +
      "rests (enabled: false), because nobody has said its addresses. A file that somebody has written or edited is left alone, unless --force is given.",
    "Then it does what 'doctor' does for the two interfaces, and shows the next command.",
  ],
  usesSocket: true,
  positionals: ["FILE"],
  options: {
    "input-interface": { value: "INTERFACE", summary: "where datagrams arrive, instead of the link it would take" },
    "output-interface": { value: "INTERFACE", summary: "where they leave, likewise" },
    yes: { summary: "ask nothing" },
    force: { summary: "write over a file that somebody has written or edited" },
  },
  examples: [
    { line: "mcr-appliance init", does: "on a terminal: a few questions, then a file that works" },
    { line: "mcr-appliance init --yes ./mcr.json5", does: "in a script, or to see what it looks like" },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const path = resolve(given.positionals[0] ?? configPathDefault);
  const links = findLinks();
  const guessed = guess(links, { input: given.text("input-interface"), output: given.text("output-interface") });
  const isAsking = !given.flag("yes") && process.stdin.isTTY === true && process.stdout.isTTY === true;
  if (world.json) {
    return usage(world, "'init' is for people, and has no --json; 'doctor --json' has");
  }
  const standing = await standingAt(path);
  if (standing === "somebody's" && !given.flag("force")) {
    world.complain(`mcr-appliance: ${printable(path)} is there already, and was left alone; --force writes over it`);
    return exitCodes.refused;
  }
  const rule = isAsking ? await asked(links, guessed) : example(guessed);
  if (rule === undefined) {
    world.complain("mcr-appliance: no more answers; nothing was written");
    return exitCodes.refused;
  }
  const text = firstFile(path, rule);
  const errors = judgeTexts([{ path, text }]).problems.filter(({ severity }) => severity === "error");
  if (errors[0] !== undefined) {
    return usage(world, `${errors[0].message}; nothing was written`);
  }
  const written = await write(path, text, standing !== "nothing");
  if (!written.ok) {
    world.complain(`mcr-appliance: ${written.error}`);
    return exitCodes.system;
  }
  world.say(`${printable(path)} is written: ${describe(rule)}\n`);
  const names = new Set(links.map(({ name }) => name));
  const { isRunning } = await showDoctor(world, {
    links: [rule.input.interface, rule.output.interface].filter((name) => names.has(name)),
    isAll: false,
  });
  const { serviceStart } = await import("../install/init-system.ts");
  const service = path === configPathDefault ? serviceStart("") : undefined;
  world.say(`\n${nextSteps(path, rule, { isRunning, service })}`);
  return exitCodes.ok;
}

async function asked(links: readonly FoundLink[], guessed: Guess): Promise<FirstRule | undefined> {
  const { ask, close } = terminalAsk();
  const rule = await askRule(ask, links, guessed);
  close();
  return rule;
}

/** What is found, or names that many machines have: the rule rests in any case. */
function example({ input, output }: Guess): FirstRule {
  const otherThan = (name: string | undefined) => (name === "eth0" ? "eth1" : "eth0");
  const from = input ?? otherThan(output);
  return {
    input: { interface: from, ...exampleSides.input },
    output: { interface: output ?? otherThan(from), ...exampleSides.output },
    isExample: true,
  };
}

function describe({ input, output, isExample }: FirstRule): string {
  const what = `${input.interface} ${input.group}:${input.port} -> ${output.interface} ${output.group}:${output.port}`;
  return printable(isExample ? `an example that rests, ${what}` : what);
}

/** `service`: how the installed service is started that reads this file. */
function nextSteps(
  path: string,
  { isExample }: FirstRule,
  { isRunning, service }: { isRunning: boolean; service: string | undefined },
): string {
  const isDefault = path === configPathDefault;
  const file = isDefault ? "" : ` ${printable(path)}`;
  const run = isRunning
    ? `  mcr-appliance config plan${file}\n  mcr-appliance config apply${file} --confirm-within 60s`
    : `  ${service ?? `mcr-appliance supervise${isDefault ? "" : ` --config${file}`}`}`;
  const edit = isExample ? `  vi ${printable(path)}      # its addresses, and no 'enabled: false'\n` : "";
  return `next:\n${edit}${run}`;
}

/** What is at `path`: a file that is as 'install' or a package put it is nobody's. */
async function standingAt(path: string): Promise<"nothing" | "nobody's" | "somebody's"> {
  try {
    const text = await readFile(path, "utf8");
    const { shippedConfiguration } = await import("../install/files.ts");
    return text === shippedConfiguration ? "nobody's" : "somebody's";
  } catch (thrown) {
    // What cannot be read for another reason is there.
    return codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ENOTDIR" ? "nothing" : "somebody's";
  }
}

async function write(path: string, text: string, mayReplace: boolean): Promise<Outcome<void>> {
  try {
    await mkdir(dirname(path), { recursive: true });
    if (mayReplace) {
      return writeAll([{ path, text }]);
    }
    // "wx": a file that has come since it was looked for is not written over either.
    const file = await open(path, "wx", 0o644);
    await file.writeFile(text);
    await file.sync();
    await file.close();
    return done(undefined);
  } catch (thrown) {
    return failed(`${printable(path)} cannot be written: ${reasonOf(thrown)}`);
  }
}
