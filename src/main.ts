#!/usr/bin/env bun
// The one entry: which part of the program this process plays. Every part is loaded on demand, so that a worker carries no
// operator's verbs and a `list` no supervisor. Specifiers are literals: the bundler must see them.
import { writeSync } from "node:fs";
import { basename } from "node:path";
import { BrokenProgram } from "./base/assert.ts";
import { exitCodes } from "./base/exit.ts";
import { done, type Outcome } from "./base/outcome.ts";
import type { Roles } from "./ctl/verb.ts";
import type { McrdManner, SuperviseTexts } from "./supervise/start/options.ts";

/** Starts the supervisor by what a command line said; the error is a usage error's text. */
async function supervise(texts: SuperviseTexts, asMcrd?: McrdManner): Promise<Outcome<number>> {
  const { parseSuperviseOptions } = await import("./supervise/start/options.ts");
  const options = parseSuperviseOptions(texts);
  if (!options.ok) {
    return options;
  }
  const { run } = await import("./supervise/supervise.ts");
  return done(await run(asMcrd === undefined ? options.value : { ...options.value, asMcrd }));
}

const mcrNames: ReadonlySet<string> = new Set(["mcrd", "mcrctl", "mcrgen"]);

const roles: Roles = {
  supervise: (given) =>
    supervise({
      config: given.text("config"),
      controlSocketPath: given.text("control-socket-path"),
      workers: given.text("workers"),
      cores: given.text("cores"),
      pipeline: given.text("pipeline"),
      io: given.text("io"),
      spare: given.text("spare"),
      role: given.text("role"),
      logFormat: given.text("log-format"),
      logLevel: given.text("log-level"),
      metrics: given.text("metrics"),
      readGroup: given.text("read-group"),
      rejoinInterval: given.text("rejoin-interval"),
    }),
  gen: async (given) => (await import("./traffic/gen.ts")).run(given),
  sink: async (given) => (await import("./traffic/sink.ts")).run(given),
};

/** The part to play: MCR's names decide it (INTEROP.md 1), as what we were called by or as first argument; else the first argument. */
async function play(name: string, args: string[]): Promise<number> {
  switch (name) {
    case "mcrd":
      return (await import("./interop/mcrd.ts")).run(args, await surroundings(), supervise);
    case "mcrctl":
      return (await import("./interop/mcrctl.ts")).run(args, await surroundings());
    case "mcrgen":
      return (await import("./interop/mcrgen.ts")).run(args, await surroundings());
    case "worker":
      return (await import("./worker/birth.ts")).run();
    default:
      return (await import("./ctl/operate.ts")).operate(args, await surroundings());
  }
}

/** `mcr-appliance mcrctl list` and `mcrctl list` are one thing; under MCR's names the first argument is theirs. */
function partOf(calledName: string, args: string[]): [name: string, args: string[]] {
  const [first = "", ...rest] = args;
  const isOurs = !mcrNames.has(calledName);
  return isOurs && (first === "worker" || mcrNames.has(first)) ? [first, rest] : [isOurs ? "" : calledName, args];
}

async function surroundings() {
  return (await import("./ctl/operate.ts")).surroundings(roles);
}

/** What nobody caught: a bug of ours. One line that says so, and the code that a service manager can tell apart. */
function die(error: unknown): never {
  const text = error instanceof BrokenProgram ? error.message : error instanceof Error ? error.stack : String(error);
  writeSync(2, `mcr-appliance: broken program: ${text}\n`);
  process.exit(exitCodes.broken);
}

process.on("uncaughtException", die);
process.on("unhandledRejection", die);
process.exit(await play(...partOf(basename(process.argv0), process.argv.slice(2))));
