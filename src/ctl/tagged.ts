// --tag: which rules a command means, and which of an answer are shown.
import type { Choice } from "../rules/choice.ts";
import { tag } from "../rules/labels.ts";
import type { Given, OptionSpec, World } from "./verb.ts";

/** For verbs that show rules. */
export const tagFilter: Readonly<Record<string, OptionSpec>> = {
  tag: { value: "TAG", summary: "only rules with this tag; repeated: with all of them", multiple: true },
};

/** The rule that stands behind the verb, or the tag; undefined when there is none of the two, or both. */
export function choiceOf(given: Given): Choice | undefined {
  const [rule] = given.positionals;
  const wanted = given.text("tag");
  if (wanted === undefined) {
    return rule === undefined ? undefined : { rule };
  }
  return rule === undefined ? { tag: wanted } : undefined;
}

/** Why `wanted` are no tags; undefined when they are. */
export function tagProblem(wanted: readonly string[]): string | undefined {
  const [issue] = wanted.flatMap((each) => tag.safeParse(each).error?.issues ?? []);
  return issue && `--tag ${issue.message}`;
}

/** `world`, whose answers have only the rules with all of `wanted`: for people and, as they came, for programs. */
export function taggedWorld(world: World, wanted: readonly string[]): World {
  if (wanted.length === 0) {
    return world;
  }
  return {
    ...world,
    ask: async (command, how) => {
      const answer = await world.ask(command, how);
      if (!answer.ok) {
        return answer;
      }
      const { reply, raw } = answer.value;
      return { ok: true, value: { reply: narrowed(reply, wanted) as typeof reply, raw: narrowed(raw, wanted) } };
    },
  };
}

/** A reply to ListRules or GetStatus with fewer rules; any other as it is. */
function narrowed(reply: unknown, wanted: readonly string[]): unknown {
  if (!isObject(reply)) {
    return reply;
  }
  const { Rules: rules, Status: status } = reply;
  if (Array.isArray(rules)) {
    return { ...reply, Rules: rules.filter((rule) => hasAll(rule, wanted)) };
  }
  return isObject(status) && Array.isArray(status["rules"])
    ? { ...reply, Status: { ...status, rules: status["rules"].filter((rule) => hasAll(rule, wanted)) } }
    : reply;
}

function hasAll(rule: unknown, wanted: readonly string[]): boolean {
  const tags: unknown = isObject(rule) ? rule["tags"] : undefined;
  return Array.isArray(tags) && wanted.every((each) => tags.includes(each));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
