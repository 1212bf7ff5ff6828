// The book of rules at run time: which there are, each with its numbers and outputs. Opens nothing and tells nobody.

import { Numbers } from "../../base/numbers.ts";
import { ruleMax } from "../../relay/counters.ts";
import { compact } from "../../rules/fields.ts";
import { isEnabled } from "../../rules/labels.ts";
import { pendingText } from "../../rules/pending.ts";
import type { Rule } from "../../rules/schema.ts";
import { type Change, RuleTable } from "../../rules/table.ts";
import { clearRule, type Page } from "../counters/pages.ts";
import type { Outputs } from "../outputs/outputs.ts";
import type { RulesWill } from "../succession/will.ts";
import type { LiveRule } from "./live-rule.ts";
import { type Roster, rosterOf } from "./roster.ts";

/** What becomes of one rule: it comes (no `before`), goes (no `after`) or changes. */
export type Step = { before: LiveRule | undefined; after: LiveRule | undefined };

/** What the book needs: outputs by number, and the pages whose places it hands out. */
export type RegisterParts = { outputs: Outputs; pages: () => readonly Page[] };

/** All rules, oldest first; changes are written down as a whole, and struck out as a whole. */
export class Register {
  private readonly parts: RegisterParts;
  private readonly table = new RuleTable();
  private readonly counters = new Numbers(ruleMax);
  private lives = new Map<string, LiveRule>();
  // Asked for many times a second, and changed now and then.
  private rosterNow: Roster | undefined;
  private serial = 0;

  constructor(parts: RegisterParts) {
    this.parts = parts;
  }

  /** All rules, for the supervisor after us. */
  get bequest(): RulesWill {
    const { outputs } = this.parts;
    const lives = this.list().map(({ rule, serial, counter, sinceMs, outputs: own }) => ({
      ...{ rule, serial, counter, ageMs: performance.now() - sinceMs },
      outputs: own.map(({ counter: place, id, fd, madeFrom, ttl, stamp, mapping }) => {
        return { counter: place, id, fd, madeFrom, ...compact({ ttl, stamp, mapping }) };
      }),
    }));
    return {
      serial: this.serial,
      outputId: outputs.newestId,
      ...compact({ multicastTtl: outputs.multicastTtl }),
      lives,
    };
  }

  /** Takes the rules of the supervisor before us, with their numbers and sockets. They stand beside each other there. */
  inherit({ serial, outputId, lives }: RulesWill): void {
    this.serial = serial;
    const steps = lives.map(({ rule, outputs, ageMs, ...numbers }) => {
      this.counters.claim(numbers.counter);
      const own = rule.outputs.flatMap((output, at) => {
        const { ttl, stamp, mapping, ...known } = outputs[at] ?? { id: 0, counter: -1, fd: -1, madeFrom: "" };
        const pending = known.fd < 0 ? pendingText("notLooked", {}) : undefined;
        return known.counter < 0 ? [] : [{ ...known, output, ttl, stamp, mapping, pending }];
      });
      this.parts.outputs.inherit(own, outputId);
      const waits = { captures: [], uncaptured: [], pending: pendingText("notLooked", {}) };
      return {
        before: undefined,
        after: { rule, ...numbers, sinceMs: performance.now() - ageMs, outputs: own, ...waits },
      };
    });
    this.enter(steps);
  }

  get size(): number {
    return this.lives.size;
  }

  /** The same list until a rule comes, goes or changes. */
  list(): readonly LiveRule[] {
    return this.roster.rules;
  }

  get roster(): Roster {
    this.rosterNow ??= rosterOf([...this.lives.values()]);
    return this.rosterNow;
  }

  get(id: string): LiveRule | undefined {
    return this.lives.get(id);
  }

  /** The one rule of this name, or why there is none. */
  findByName(name: string): ReturnType<RuleTable["findByName"]> {
    return this.table.findByName(name);
  }

  /** What an operator should know of a rule though it stands. */
  warnings(rule: Rule): readonly string[] {
    return this.table.warnings(rule);
  }

  /** Sets the TTL of multicast outputs that name none, and adds to `change` the rules that it concerns. */
  withTtl({ put, remove }: Change, multicastTtl: number | undefined): Change {
    const { outputs } = this.parts;
    if (outputs.multicastTtl === multicastTtl) {
      return { put, remove };
    }
    outputs.multicastTtl = multicastTtl;
    const named = new Set([...remove, ...put.map((rule) => rule.rule_id)]);
    const concerned = this.list().filter(
      (live) => !named.has(live.rule.rule_id) && live.outputs.some(({ output, ttl }) => ttl !== outputs.ttlOf(output)),
    );
    return { put: [...put, ...concerned.map(({ rule }) => rule)], remove };
  }

  /** Why `change` cannot be made as a whole. */
  problem(change: Change): string | undefined {
    return this.table.problem(change);
  }

  /** The steps of a change, with numbers and outputs for what comes, not yet written down; or what there is not enough of. */
  prepare({ put, remove }: Change): Step[] | string {
    const steps: Step[] = remove.map((id) => ({ before: this.lives.get(id), after: undefined }));
    for (const rule of put) {
      const before = this.lives.get(rule.rule_id);
      const after = this.makeLive(rule, before);
      if (typeof after === "string") {
        this.discard(steps);
        return after;
      }
      steps.push({ before, after });
    }
    return steps;
  }

  /** Writes the steps down; returns how they are struck out again, which leaves the book as it was, its order too. */
  enter(steps: readonly Step[]): () => void {
    const livesBefore = new Map(this.lives);
    const back = { put: rulesOf(steps, "before"), remove: goneOf(steps, "after", "before") };
    this.table.change({ put: rulesOf(steps, "after"), remove: goneOf(steps, "before", "after") });
    for (const { before, after } of steps) {
      if (after !== undefined) {
        this.lives.set(after.rule.rule_id, after);
      } else if (before !== undefined) {
        this.lives.delete(before.rule.rule_id);
      }
    }
    this.rosterNow = undefined;
    return () => {
      this.table.change(back);
      this.lives = livesBefore;
      this.rosterNow = undefined;
    };
  }

  /** Lets go of what only the rules before the steps had: the change is made. */
  release(steps: readonly Step[]): void {
    for (const { before, after } of steps) {
      this.letGo(before, after);
    }
  }

  /** Lets go of what only the rules behind the steps have: the change is not made. */
  discard(steps: readonly Step[]): void {
    for (const { before, after } of steps) {
      this.letGo(after, before);
    }
  }

  private letGo(gone: LiveRule | undefined, kept: LiveRule | undefined): void {
    if (kept !== undefined && !isEnabled(kept.rule)) {
      this.parts.outputs.rest(kept.outputs);
    }
    if (gone === undefined) {
      return;
    }
    this.parts.outputs.release(gone.outputs.filter((output) => !kept?.outputs.includes(output)));
    if (kept === undefined) {
      this.counters.give(gone.counter);
    }
  }

  private makeLive(rule: Rule, before: LiveRule | undefined): LiveRule | string {
    const outputs = this.parts.outputs.adopt(rule, before?.outputs ?? []);
    if (typeof outputs === "string") {
      return outputs;
    }
    const counter = before?.counter ?? this.counters.take();
    if (counter === undefined) {
      this.parts.outputs.release(outputs);
      return `there are ${ruleMax} rules, the most there can be`;
    }
    if (before === undefined) {
      clearRule(this.parts.pages(), counter);
      this.serial++;
    }
    return {
      rule,
      serial: before?.serial ?? this.serial,
      counter,
      sinceMs: before?.sinceMs ?? performance.now(),
      outputs,
      captures: [],
      uncaptured: [],
      pending: pendingText("notLooked", {}),
    };
  }
}

function rulesOf(steps: readonly Step[], side: keyof Step): Rule[] {
  return steps.flatMap((step) => step[side]?.rule ?? []);
}

/** Ids of rules that stand on side `of` and not on side `unless`. */
function goneOf(steps: readonly Step[], of: keyof Step, unless: keyof Step): string[] {
  return steps.flatMap((step) => (step[unless] === undefined ? (step[of]?.rule.rule_id ?? []) : []));
}
