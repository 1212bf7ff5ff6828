// From a wish to words: links of this machine, rules of the supervisor, levels. Never fails: who completes a line wants no error.
import { readdirSync } from "node:fs";
import { codeOf } from "../../base/outcome.ts";
import type { ListedRule } from "../../control/words.ts";
import { limits } from "../../limits.ts";
import { facilities, levels } from "../../log/record.ts";
import { describeInput } from "../../rules/key.ts";
import type { World } from "../verb.ts";
import type { Candidate, Wish } from "./wish.ts";

/** Who is asked. `verbs`: names for COMMAND. `socketPath`: where the line that is typed says the supervisor is. */
export type Known = {
  ask: World["ask"];
  socketPath: string | undefined;
  verbs: readonly Candidate[];
  pages: readonly string[];
};

/** The words that fit, or `files` where the shell itself knows them. */
export async function candidatesOf(wish: Wish, known: Known): Promise<Candidate[] | "files"> {
  if (wish.kind === "words") {
    return wish.candidates;
  }
  const words = await valuesOf(wish, known);
  return words === "files" ? "files" : words.map(({ word, summary }) => ({ word: `${wish.before}${word}`, summary }));
}

async function valuesOf({ placeholder, typed }: Extract<Wish, { kind: "value" }>, known: Known) {
  switch (placeholder.replace("...", "")) {
    case "FILE":
    case "PATH":
      return "files";
    case "INTERFACE":
      return links();
    case "OUTPUT": {
      // Only its last part is known: GROUP:PORT:INTERFACE, after a comma perhaps.
      const [before] = /^(?:.*,)?[^:,]*:[0-9]+:/.exec(typed) ?? [];
      return before === undefined ? [] : links().map(({ word, summary }) => ({ word: `${before}${word}`, summary }));
    }
    case "ID":
      return (await rules(known)).map((rule) => ({ word: rule.rule_id, summary: aboutOf(rule, rule.name) }));
    case "NAME":
      return (await rules(known)).flatMap((rule) => named(rule));
    case "RULE":
      return (await rules(known)).flatMap((rule) => [
        { word: rule.rule_id, summary: aboutOf(rule, rule.name) },
        ...named(rule),
      ]);
    case "TAG":
      return plain([...new Set((await rules(known)).flatMap(({ tags }) => tags ?? []))].sort());
    case "COMMAND":
      return [...known.verbs];
    case "PAGE":
      return plain(known.pages);
    case "LEVEL":
      return plain(levels.map((level) => level.toLowerCase()));
    case "FACILITY":
      return plain(facilities);
    default:
      return placeholder.includes("|") ? plain(placeholder.split("|")) : [];
  }
}

function plain(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word, summary: "" }));
}

function links(): Candidate[] {
  try {
    return plain(readdirSync("/sys/class/net").sort());
  } catch (thrown) {
    // Without /sys there is nothing to offer.
    return codeOf(thrown) === undefined ? [] : [];
  }
}

async function rules({ ask, socketPath }: Known): Promise<ListedRule[]> {
  const answer = await ask("ListRules", { waitMs: limits.completionWaitMs, ...(socketPath && { socketPath }) });
  return answer.ok && "Rules" in answer.value.reply ? answer.value.reply.Rules : [];
}

function named(rule: ListedRule): Candidate[] {
  return rule.name === undefined ? [] : [{ word: rule.name, summary: aboutOf(rule, rule.rule_id) }];
}

function aboutOf(rule: ListedRule, other: string | undefined): string {
  return other === undefined ? describeInput(rule) : `${other}: ${describeInput(rule)}`;
}
