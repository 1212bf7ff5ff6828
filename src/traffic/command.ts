// The command line of gen and sink: parsed and explained by the same tables as an operator's verbs.
import { exitCodes } from "../base/exit.ts";
import type { Outcome } from "../base/outcome.ts";
import { parse } from "../ctl/arguments.ts";
import { page } from "../ctl/help.ts";
import type { Given, Verb } from "../ctl/verb.ts";
import type { About } from "./options.ts";
import { complain, say } from "./report.ts";

/** Reads `args` by the table of `about`; hands settings to `play`, or answers a call for help or a usage error itself. */
export async function command<T>(
  about: About,
  args: readonly string[],
  settings: (given: Given) => Outcome<T>,
  play: (settings: T, given: Given) => Promise<number>,
): Promise<number> {
  const run = async (given: Given): Promise<number> => {
    const wanted = settings(given);
    return wanted.ok ? play(wanted.value, given) : usage(`${wanted.error}. See 'mcr-appliance help ${about.name}'.`);
  };
  const verb: Verb = { ...about, kind: "verb", chapter: "Test", usesSocket: false, run };
  const parsed = parse([about.name, ...args], [verb]);
  if (!parsed.ok) {
    return usage(parsed.error);
  }
  if (parsed.value.kind === "verb") {
    return run(parsed.value.given);
  }
  say(page(verb));
  return exitCodes.ok;
}

function usage(text: string): number {
  complain(`mcr-appliance: ${text}`);
  return exitCodes.usage;
}
