// enable, disable: a rule is put to work or to rest, and keeps its place, its words and its counters.
import { failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import type { RuleCommand } from "../control/words.ts";
import { askAndShow, usage } from "./answer.ts";
import { choiceOf } from "./tagged.ts";
import type { Example, Given, Verb } from "./verb.ts";

/** What the two verbs differ in. */
type Kind = {
  name: "enable" | "disable";
  summary: string;
  details: readonly string[];
  examples: readonly [Example, ...Example[]];
};

function verbOf({ name, summary, details, examples }: Kind): Verb {
  return {
    name,
    chapter: "Rules",
    summary,
    details,
    usesSocket: true,
    positionals: ["RULE"],
    options: { tag: { value: "TAG", summary: "all rules with this tag, in one step" } },
    examples,
    run: async (given, world) => {
      const command = enableCommand(name, given);
      return command.ok ? askAndShow(world, command.value, "Success", printable) : usage(world, command.error);
    },
  };
}

/** What `enable` or `disable` with these options asks of the supervisor. */
export function enableCommand(name: Kind["name"], given: Given): Outcome<RuleCommand> {
  const choice = choiceOf(given);
  if (choice === undefined) {
    return failed(`'${name}' needs a RULE (its id or name) or --tag, not both; 'mcr-appliance list' shows them`);
  }
  return { ok: true, value: name === "enable" ? { EnableRules: choice } : { DisableRules: choice } };
}

export const enable = verbOf({
  name: "enable",
  summary: "put a disabled rule to work again",
  details: [
    "RULE is an id or a name. Returns when every worker forwards the rule, or it is pending. Its counters go on where they stood.",
  ],
  examples: [
    { line: "mcr-appliance enable feed-a", does: "one rule" },
    { line: "mcr-appliance enable --tag evening", does: "all rules with a tag, all of them or none" },
  ],
});

export const disable = verbOf({
  name: "disable",
  summary: "put a rule to rest without forgetting it",
  details: [
    "RULE is an id or a name. A disabled rule is listed and saved, and holds nothing: no socket, no group, no place in a filter; its " +
      "input stays its own. 'config save' keeps it disabled over the next start (enabled: false in the file).",
  ],
  examples: [
    { line: "mcr-appliance disable feed-a", does: "one rule, until it is enabled" },
    { line: "mcr-appliance disable --tag evening", does: "all rules with a tag, all of them or none" },
  ],
});
