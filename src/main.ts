#!/usr/bin/env bun
// The one entry: which part of the program this process plays. Every part is loaded on demand, so that a worker carries no
// operator's verbs and a `list` no supervisor. Specifiers are literals: the bundler must see them.
import { writeSync } from "node:fs";
import { basename } from "node:path";
import { BrokenProgram } from "./base/assert.ts";
import { exitCodes } from "./base/exit.ts";
import { done } from "./base/outcome.ts";
import type { Roles } from "./ctl/verb.ts";

const roles: Roles = {
  supervise: async (given) => {
    const { parseSuperviseOptions } = await import("./supervise/options.ts");
    const options = parseSuperviseOptions({
      config: given.text("config"),
      controlSocketPath: given.text("control-socket-path"),
      workers: given.text("workers"),
      cores: given.text("cores"),
      pipeline: given.text("pipeline"),
      io: given.text("io"),
      spare: given.text("spare"),
      logFormat: given.text("log-format"),
      logLevel: given.text("log-level"),
      metrics: given.text("metrics"),
      readGroup: given.text("read-group"),
      rejoinInterval: given.text("rejoin-interval"),
    });
    if (!options.ok) {
      return options;
    }
    const { run } = await import("./supervise/supervise.ts");
    return done(await run(options.value));
  },
  gen: async (args) => (await import("./traffic/gen.ts")).run(args),
  sink: async (args) => (await import("./traffic/sink.ts")).run(args),
};

/** The part to play: the name we were called by may decide it (INTEROP.md 1), then the first argument. */
async function play(calledName: string, args: string[]): Promise<number> {
  switch (calledName) {
    // The one place for other names of this program: `mcrd`, `mcrctl`, `mcrgen`.
    default:
      if (args[0] === "worker") {
        return (await import("./worker/birth.ts")).run();
      }
      return (await import("./ctl/operate.ts")).operate(args, await surroundings());
  }
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
process.exit(await play(basename(process.argv0), process.argv.slice(2)));
