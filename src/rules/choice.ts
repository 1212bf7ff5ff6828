// Which rules a command means: one by its id or name, or all that have a tag.
import { z } from "zod";
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { limits } from "../limits.ts";
import { compact, objectError, text } from "./fields.ts";
import { tag } from "./labels.ts";
import type { Rule } from "./schema.ts";

/** Exactly one of the two. */
export const choiceSchema = z
  .object({ rule: text("the id or name of a rule", limits.ruleIdSizeMax).nullish(), tag: tag.nullish() }, objectError)
  .transform(compact)
  .check((context) => {
    const { rule, tag: wanted } = context.value;
    if ((rule === undefined) === (wanted === undefined)) {
      context.issues.push({ code: "custom", message: "must have exactly one of rule, tag", input: context.value });
    }
  });

export type Choice = z.output<typeof choiceSchema>;

/** Where rules are looked up. */
export type Book = {
  get(id: string): Rule | undefined;
  findByName(name: string): Outcome<Rule>;
  list(): readonly Rule[];
};

/** The rules meant, at least one; or why there is none. An id counts before a name. */
export function chosen({ rule, tag: wanted }: Choice, book: Book): Outcome<readonly Rule[]> {
  if (rule !== undefined) {
    const byId = book.get(rule);
    const found = byId === undefined ? book.findByName(rule) : done(byId);
    const isUnknown = !found.ok && !book.list().some(({ name }) => name === rule);
    return found.ok
      ? done([found.value])
      : failed(isUnknown ? `no rule has the id or name '${printable(rule)}'; 'list' shows all` : found.error);
  }
  const rules = book.list().filter(({ tags = [] }) => tags.includes(wanted ?? ""));
  return rules.length > 0 ? done(rules) : failed(`no rule has the tag '${printable(wanted ?? "")}'; 'list' shows all`);
}

/** The rule, enabled or not; the same object where it is that already. */
export function withEnabled(rule: Rule, isEnabled: boolean): Rule {
  const { enabled, ...rest } = rule;
  return (enabled !== false) === isEnabled ? rule : isEnabled ? rest : { ...rest, enabled: false };
}
