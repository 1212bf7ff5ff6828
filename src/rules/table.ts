// The rules there are, and which may stand beside each other. Pure: no I/O, nothing of workers. Every change costs the same
// with ten rules and with ten thousand.
import { done, failed, type Outcome } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { RuleGraph } from "./graph.ts";
import { describeInput, describeRule, inputKey } from "./key.ts";
import { allowedText, loopText, othersNamedMax, sharedText } from "./loops.ts";
import { shapeOf, Ties, tieText } from "./precedence.ts";
import { isPattern, namesLink } from "./range.ts";
import type { Rule } from "./schema.ts";

/** What `add` did: the rule that now stands, and the one of the same id that it replaced, if any. */
export type Added = { rule: Rule; replaced?: Rule };

/** Changes that belong together. A rule of `put` is added, or replaces the one of its id; `remove` has the ids of others. */
export type Change = { put: readonly Rule[]; remove: readonly string[] };

/** How many ids an error message names. */
const idsNamedMax = 5;

/** Why no rule may have an output on `output` when its input's link is that, or a pattern that it belongs to. */
export function selfLoopText(name: string, output: string): string {
  if (isPattern(name)) {
    return (
      `Rule rejected: input_interface '${name}' stands for output_interface '${output}' too. ` +
      "A datagram must not go back to where it came from: it would be captured again. Choose another output interface, or a longer name before the '*'."
    );
  }
  return (
    `Rule rejected: input_interface '${name}' and output_interface '${name}' cannot be the same. ` +
    "A datagram must not go back to where it came from: it would be captured again. Choose another output interface."
  );
}

/** What would echo a datagram to where it came from: an output on the rule's own input link. */
function selfLoop(rule: Rule): string | undefined {
  const name = rule.input_interface;
  const output = rule.outputs.find((each) => namesLink(name, each.interface));
  return output && selfLoopText(name, output.interface);
}

function takenText(rule: Rule, owner: Rule): string {
  return (
    `Rule rejected: ${describeInput(rule)} is already the input of ${describeRule(owner)}. ` +
    "Remove that rule first, or add the rule again under that id with all outputs it should have."
  );
}

/** Whether a text says that rules cannot stand as they are, beside others or at all. */
export function isRejection(text: string): boolean {
  return text.startsWith("Rule rejected: ");
}

/** The rule table. Refusals are values with a text for the operator. */
export class RuleTable {
  readonly #byId = new Map<string, Rule>();
  /** Input key to the id of the rule that owns it. */
  readonly #byKey = new Map<string, string>();
  readonly #byName = new Map<string, Set<string>>();
  readonly #ties: Ties | undefined;
  /** How many rules have each shape. */
  readonly #shapes = new Map<string, number>();
  readonly #graph: RuleGraph | undefined;
  /** By id, as of the last change. */
  readonly #warnings = new Map<string, readonly string[]>();

  /** `judgesOthers` false: ties, shapes and loops are left to who judges all changes at once. */
  constructor({ judgesOthers = true } = {}) {
    this.#ties = judgesOthers ? new Ties() : undefined;
    this.#graph = judgesOthers ? new RuleGraph() : undefined;
  }

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

  /** Why `change` could not be made as a whole, or undefined. Changes nothing, so that workers can be asked in between. */
  problem({ put, remove }: Change): string | undefined {
    const gone = new Set(remove);
    const missing = remove.find((id) => !this.#byId.has(id));
    if (missing !== undefined) {
      return `Rule ${missing} not found`;
    }
    const leaving = new Set([...gone, ...put.map((rule) => rule.rule_id)]);
    const arriving = new Map<string, Rule>();
    for (const rule of put) {
      const key = inputKey(rule);
      const owner = this.#byKey.get(key) ?? "";
      const other = arriving.get(key) ?? (leaving.has(owner) ? undefined : this.#byId.get(owner));
      const problem = selfLoop(rule) ?? (other && takenText(rule, other));
      if (problem !== undefined) {
        return problem;
      }
      arriving.set(key, rule);
    }
    const fresh = put.filter(({ rule_id }) => gone.has(rule_id) || !this.#byId.has(rule_id)).length;
    if (this.size - gone.size + fresh > limits.rulesMax && fresh > 0) {
      return `Rule rejected: there are ${this.size} rules, the most there can be. Remove a rule first.`;
    }
    return this.#othersProblem(put, leaving);
  }

  /** What `put` cannot be beside others, once those of `leaving` are gone: a tie, a shape too many, part of a loop. */
  #othersProblem(put: readonly Rule[], leaving: ReadonlySet<string>): string | undefined {
    if (this.#ties === undefined || this.#graph === undefined) {
      return undefined;
    }
    const arriving = new Ties();
    for (const rule of put) {
      const equal = arriving.find(rule, () => true) ?? this.#ties.find(rule, ({ rule_id }) => !leaving.has(rule_id));
      if (equal !== undefined) {
        return tieText(rule, equal);
      }
      arriving.put(rule);
    }
    const shapes = this.#shapesAfter(put, leaving);
    if (shapes > limits.matchShapesMax) {
      return `Rule rejected: the inputs of all rules would have ${shapes} different lengths of prefixes and widths of port ranges; at most ${limits.matchShapesMax} are looked up for each frame. Use lengths and widths that other rules have.`;
    }
    const before = [...leaving].flatMap((id) => this.#byId.get(id) ?? []);
    const cycle = this.#graph.cycleAfter(put, before);
    return cycle && loopText(cycle);
  }

  /** What an operator should know of a rule of the table though it stands: that others make what it makes, an allowed loop. */
  warnings(rule: Rule): readonly string[] {
    const known = this.#warnings.get(rule.rule_id);
    if (known !== undefined) {
      return known;
    }
    const cycle = rule.allow_loop === true ? this.#graph?.cycleThrough(rule, true) : undefined;
    const shared = (this.#graph?.sharedBy(rule, othersNamedMax) ?? []).map((each) => sharedText(rule, each));
    const warnings = [...(cycle === undefined ? [] : [allowedText(cycle)]), ...shared];
    this.#warnings.set(rule.rule_id, warnings);
    return warnings;
  }

  /** Makes `change`, in which problem() has found nothing. */
  change({ put, remove }: Change): void {
    for (const id of [...remove, ...put.map((rule) => rule.rule_id)]) {
      const rule = this.#byId.get(id);
      if (rule !== undefined) {
        this.#unlist(rule);
      }
    }
    for (const id of remove) {
      this.#byId.delete(id);
    }
    for (const rule of put) {
      this.#list(rule);
    }
  }

  /** Adds the rule, or replaces the one of the same id, or says why not. */
  add(rule: Rule): Outcome<Added> {
    const change = { put: [rule], remove: [] };
    const problem = this.problem(change);
    if (problem !== undefined) {
      return failed(problem);
    }
    const replaced = this.#byId.get(rule.rule_id);
    this.change(change);
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
      return failed(`${ids.length} rules have the name '${name}'. Name one by its id: ${named}`);
    }
    return done(rule);
  }

  /** Removes the one rule with this name and returns it. */
  removeByName(name: string): Outcome<Rule> {
    const found = this.findByName(name);
    return found.ok ? this.remove(found.value.rule_id) : found;
  }

  #shapesAfter(put: readonly Rule[], leaving: ReadonlySet<string>): number {
    const fresh = new Set(put.map(shapeOf).filter((shape) => !this.#shapes.has(shape)));
    if (this.#shapes.size + fresh.size <= limits.matchShapesMax) {
      return this.#shapes.size + fresh.size;
    }
    const staying = [...this.#byId.values()].filter(({ rule_id }) => !leaving.has(rule_id));
    return new Set([...staying, ...put].map(shapeOf)).size;
  }

  #countShape(rule: Rule, by: number): void {
    const shape = shapeOf(rule);
    const count = (this.#shapes.get(shape) ?? 0) + by;
    if (count === 0) {
      this.#shapes.delete(shape);
    } else {
      this.#shapes.set(shape, count);
    }
  }

  #list(rule: Rule): void {
    this.#byId.set(rule.rule_id, rule);
    this.#byKey.set(inputKey(rule), rule.rule_id);
    this.#ties?.put(rule);
    this.#countShape(rule, 1);
    this.#graph?.put(rule);
    this.#warnings.clear();
    if (rule.name !== undefined) {
      const ids = this.#byName.get(rule.name) ?? new Set();
      this.#byName.set(rule.name, ids.add(rule.rule_id));
    }
  }

  #unlist(rule: Rule): void {
    this.#byKey.delete(inputKey(rule));
    this.#ties?.take(rule);
    this.#countShape(rule, -1);
    this.#graph?.take(rule);
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
