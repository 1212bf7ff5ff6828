// From an operator's command line to an exit code: parse, run, and nothing that outlives it.
import { ask } from "../control/client.ts";
import { usage } from "./answer.ts";
import { type Parsed, parse } from "./arguments.ts";
import { overview, shortPage } from "./help.ts";
import type { Roles, World } from "./verb.ts";
import { socketOptions } from "./verb.ts";
import { verbs } from "./verbs.ts";
import { ownVersion } from "./version.ts";

/** What `operate` takes from the process; tests bring their own. */
export type Surroundings = Pick<World, "say" | "complain" | "roles"> & {
  environment: Record<string, string | undefined>;
};

/** The process itself. */
export function surroundings(roles: Roles): Surroundings {
  return {
    say: (text) => console.log(text),
    complain: (text) => console.error(text),
    environment: process.env,
    roles,
  };
}

/** Runs the command line `args` (without program names) and returns its exit code. */
export async function operate(args: readonly string[], around: Surroundings): Promise<number> {
  const parsed = parse(args, verbs);
  if (!parsed.ok) {
    return usage(worldOf(undefined, around), parsed.error);
  }
  switch (parsed.value.kind) {
    case "overview":
      around.say(overview(verbs));
      return 0;
    case "version":
      around.say(await ownVersion(parsed.value.isVerbose));
      return 0;
    case "help":
      around.say(shortPage(parsed.value.verb));
      return 0;
    case "verb":
      return parsed.value.verb.run(parsed.value.given, worldOf(parsed.value, around));
  }
}

function worldOf(parsed: Parsed | undefined, around: Surroundings): World {
  const given = parsed?.kind === "verb" && parsed.verb.usesSocket ? parsed.given : undefined;
  const fromEnvironment = around.environment["MCR_SOCKET"];
  const socketPath =
    given?.text("socket-path") ||
    (fromEnvironment === undefined || fromEnvironment === "" ? undefined : fromEnvironment) ||
    (socketOptions["socket-path"]?.default ?? "");
  return {
    say: around.say,
    complain: around.complain,
    roles: around.roles,
    socketPath,
    json: given?.flag("json") ?? false,
    ask: (command, how) => ask(how?.socketPath ?? socketPath, command, how?.waitMs),
  };
}
