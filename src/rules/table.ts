// The rules there are, and which may stand beside each other. Pure: no I/O, nothing of workers. Every change costs the same
// with ten rules and with ten thousand.
import { done, failed, type Outcome } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { RuleGraph } from "./graph.ts";
import { describeInput, describeRule, inputKey } from "./key.ts";
import { allowedText, loopText, othersNamedMax, sharedText } from "./loops.ts";
import type { Rule } from "./schema.ts";

/** What `add` did: the rule that now stands, and the one of the same id that it replaced, if any. */
export type Added = { rule: Rule; replaced?: Rule };

/** How many ids an error message names. */
const idsNamedMax = 5;

/** Why no rule may have an output on `name` when that is its input's link. */
export function selfLoopText(name: string): string {
  return (
    `Rule rejected: input_interface '${name}' and output_interface '${name}' cannot be the same. ` +
    "A datagram must not go back to where it came from: it would be captured again. Choose another output interface."
  );
}

/** What would echo a datagram to where it came from: an output on the rule's own input link. */
function selfLoop(rule: Rule): string | undefined {
  const name = rule.input_interface;
  return rule.outputs.some((output) => output.interface === name) ? selfLoopText(name) : undefined;
}

/** The rule table. Refusals are values with a text for the operator. */
export class RuleTable {
  readonly #byId = new Map<string, Rule>();
  /** Input key to the id of the rule that owns it. */
  readonly #byKey = new Map<string, string>();
  readonly #byName = new Map<string, Set<string>>();
  readonly #graph = new RuleGraph();
  /** By id, as of the last change. */
  readonly #warnings = new Map<string, readonly string[]>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Rule | undefined {
    return this.#byId.get(id);
  }

  /** All rules, oldest first; a replaced rule keeps its place. */
  list(): Rule[] {
    return [...this.#byId.values()];
  }

  /** Why `rule` could not be added, or undefined. Changes nothing, so that workers can be asked in between. */
  problem(rule: Rule): string | undefined {
    const loop = selfLoop(rule);
    if (loop !== undefined) {
      return loop;
    }
    const owner = this.#byKey.get(inputKey(rule));
    if (owner !== undefined && owner !== rule.rule_id) {
      const other = this.#byId.get(owner);
      return (
        `Rule rejected: ${describeInput(rule)} is already the input of ${other ? describeRule(other) : `rule ${owner}`}. ` +
        "Remove that rule first, or add the rule again under that id with all outputs it should have."
      );
    }
    if (this.size >= limits.rulesMax && !this.#byId.has(rule.rule_id)) {
      return `Rule rejected: there are ${this.size} rules, the most there can be. Remove a rule first.`;
    }
    const replaced = this.#byId.get(rule.rule_id);
    const cycle = this.#graph.cycleAfter([rule], replaced === undefined ? [] : [replaced]);
    return cycle && loopText(cycle);
  }

  /** What an operator should know of a rule of the table though it stands: that others make what it makes, an allowed loop. */
  warnings(rule: Rule): readonly string[] {
    const known = this.#warnings.get(rule.rule_id);
    if (known !== undefined) {
      return known;
    }
    const cycle = rule.allow_loop === true ? this.#graph.cycleThrough(rule, true) : undefined;
    const shared = this.#graph.sharedBy(rule, othersNamedMax).map((each) => sharedText(rule, each));
    const warnings = [...(cycle === undefined ? [] : [allowedText(cycle)]), ...shared];
    this.#warnings.set(rule.rule_id, warnings);
    return warnings;
  }

  /** Adds the rule, or replaces the one of the same id, or says why not. */
  add(rule: Rule): Outcome<Added> {
    const problem = this.problem(rule);
    if (problem !== undefined) {
      return failed(problem);
    }
    const replaced = this.#byId.get(rule.rule_id);
    if (replaced !== undefined) {
      this.#unlist(replaced);
    }
    this.#byId.set(rule.rule_id, rule);
    this.#byKey.set(inputKey(rule), rule.rule_id);
    this.#graph.put(rule);
    this.#warnings.clear();
    if (rule.name !== undefined) {
      const ids = this.#byName.get(rule.name);
      if (ids === undefined) {
        this.#byName.set(rule.name, new Set([rule.rule_id]));
      } else {
        ids.add(rule.rule_id);
      }
    }
    return done(replaced === undefined ? { rule } : { rule, replaced });
  }

  /** Removes the rule with this id and returns it. */
  remove(id: string): Outcome<Rule> {
    const rule = this.#byId.get(id);
    if (rule === undefined) {
      return failed(`Rule ${id} not found`);
    }
    this.#unlist(rule);
    this.#byId.delete(id);
    return done(rule);
  }

  /** The one rule with this name; refuses when there is none, or when the name does not decide. */
  findByName(name: string): Outcome<Rule> {
    const ids = [...(this.#byName.get(name) ?? [])];
    const rule = this.#byId.get(ids[0] ?? "");
    if (rule === undefined || ids.length === 0) {
      return failed(`No rule found with name '${name}'. Use 'mcrctl list' to see available rules.`);
    }
    if (ids.length > 1) {
      const named = ids.slice(0, idsNamedMax).join(", ") + (ids.length > idsNamedMax ? ", …" : "");
      return failed(`${ids.length} rules have the name '${name}'. Remove one by its id: ${named}`);
    }
    return done(rule);
  }

  /** Removes the one rule with this name and returns it. */
  removeByName(name: string): Outcome<Rule> {
    const found = this.findByName(name);
    return found.ok ? this.remove(found.value.rule_id) : found;
  }

  #unlist(rule: Rule): void {
    this.#byKey.delete(inputKey(rule));
    this.#graph.take(rule);
    this.#warnings.clear();
    if (rule.name !== undefined) {
      const ids = this.#byName.get(rule.name);
      ids?.delete(rule.rule_id);
      if (ids?.size === 0) {
        this.#byName.delete(rule.name);
      }
    }
  }
}
