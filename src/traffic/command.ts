// The command line of gen and sink: parsed by the tables of an operator's verbs, then judged here.
import { exitCodes } from "../base/exit.ts";
import type { Outcome } from "../base/outcome.ts";
import type { Given } from "../ctl/verb.ts";
import { complain } from "./report.ts";

/** Has `play` do what `given` asks of the verb `name`; what `settings` refuses is a usage error. */
export async function command<T>(
  name: "gen" | "sink",
  given: Given,
  settings: (given: Given) => Outcome<T>,
  play: (settings: T) => Promise<number>,
): Promise<number> {
  const wanted = settings(given);
  if (wanted.ok) {
    return play(wanted.value);
  }
  complain(`mcr-appliance: ${wanted.error}. See 'mcr-appliance help ${name}'.`);
  return exitCodes.usage;
}
