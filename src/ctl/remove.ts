// remove: by id, name or tag, exactly one of them.
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import type { RuleCommand } from "../control/words.ts";
import { askAndShow, usage } from "./answer.ts";
import type { Given, Verb, World } from "./verb.ts";

export const remove: Verb = {
  name: "remove",
  chapter: "Rules",
  summary: "remove a rule",
  details: ["By name only when exactly one rule has that name."],
  usesSocket: true,
  positionals: ["ID"],
  options: {
    "rule-id": { value: "ID", summary: "the rule with this id (the same as ID alone)" },
    name: { value: "NAME", summary: "the one rule with this name" },
    tag: { value: "TAG", summary: "all rules with this tag, in one step" },
  },
  examples: [
    { line: "mcr-appliance remove 18302982b59d5f86", does: "the rule with this id" },
    { line: "mcr-appliance remove --name feed-a", does: "the rule called feed-a" },
    { line: "mcr-appliance remove --tag lab", does: "all rules with the tag lab, all of them or none" },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const command = removeCommand(given);
  return command.ok ? askAndShow(world, command.value, "Success", printable) : usage(world, command.error);
}

/** What `remove` with these options asks of the supervisor. */
export function removeCommand(given: Given): Outcome<RuleCommand> {
  const commands: RuleCommand[] = [];
  for (const id of [given.text("rule-id"), given.positionals[0]]) {
    if (id !== undefined) {
      commands.push({ RemoveRule: { rule_id: id } });
    }
  }
  const name = given.text("name");
  if (name !== undefined) {
    commands.push({ RemoveRuleByName: { name } });
  }
  const tag = given.text("tag");
  if (tag !== undefined) {
    commands.push({ RemoveRules: { tag } });
  }
  const [command, ...others] = commands;
  if (command === undefined || others.length > 0) {
    return failed("'remove' needs exactly one of ID, --rule-id, --name and --tag; 'mcr-appliance list' shows them");
  }
  return done(command);
}
