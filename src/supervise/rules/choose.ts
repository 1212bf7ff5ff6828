// Commands on rules that are picked by id, name or tag: enabled, disabled, removed, all that are meant in one step.
import type { Reply } from "../../control/words.ts";
import { type Book, type Choice, chosen, withEnabled } from "../../rules/choice.ts";
import type { Rule } from "../../rules/schema.ts";
import type { Change } from "../../rules/table.ts";
import type { Relaying } from "./relaying.ts";

/** What becomes of the rules that are meant. */
export type Verdict = "enabled" | "disabled" | "removed";

/** How many rules a reply names. */
const namedMax = 5;

/** The change that gives `rules` the verdict, without those that have it. */
export function changeFor(rules: readonly Rule[], verdict: Verdict): Change {
  if (verdict === "removed") {
    return { put: [], remove: rules.map((rule) => rule.rule_id) };
  }
  const put = rules.map((rule) => withEnabled(rule, verdict === "enabled"));
  return { put: put.filter((rule, index) => rule !== rules[index]), remove: [] };
}

/** Makes the change, in its turn; the reply names what was changed. */
export async function change(
  relaying: Pick<Relaying, "apply" | "book" | "list">,
  choice: Choice,
  verdict: Verdict,
): Promise<Reply> {
  let problem: string | undefined;
  let found: readonly Rule[] = [];
  const made = await relaying.apply(() => {
    const rules = chosen(choice, bookOf(relaying));
    if (!rules.ok) {
      problem = rules.error;
      return { put: [], remove: [] };
    }
    found = rules.value;
    return changeFor(found, verdict);
  });
  const error = problem ?? (made.ok ? undefined : made.error);
  return error === undefined && made.ok
    ? { Success: successText(found, made.value.length, verdict) }
    : { Error: error ?? "" };
}

/** The rules that run, as chosen() looks them up. */
export function bookOf(relaying: Pick<Relaying, "book" | "list">): Book {
  return {
    get: (id) => relaying.book.get(id)?.rule,
    findByName: (name) => relaying.book.findByName(name),
    list: () => relaying.list().map(({ rule }) => rule),
  };
}

function successText(rules: readonly Rule[], changedCount: number, verdict: Verdict): string {
  const names = rules.slice(0, namedMax).map(({ name, rule_id }) => name ?? rule_id);
  const rest = rules.length > namedMax ? ` and ${rules.length - namedMax} more` : "";
  const before = rules.length - changedCount;
  const already = before === 0 ? "" : before === rules.length ? ": nothing to change" : `, ${before} of them before`;
  return `${rules.length} ${rules.length === 1 ? "rule" : "rules"} ${verdict}${already}: ${names.join(", ")}${rest}`;
}
