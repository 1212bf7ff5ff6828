// What relays: the rules, and for each the capture, the membership and the sockets it needs, as far as the links allow.
// One way leads from what is wanted to what runs, whether an operator or a link made the change: settle the rule, then order
// it to every worker. Changes happen one at a time.
import { done, failed, type Outcome } from "../../base/outcome.ts";
import { Turns } from "../../base/turns.ts";
import type { Rule } from "../../rules/schema.ts";
import type { Change } from "../../rules/table.ts";
import type { Captures } from "../capture/captures.ts";
import type { Ending } from "../ending/ending.ts";
import { nothingRuns, runningOf } from "../ending/ending-facts.ts";
import type { Links } from "../kernel/links.ts";
import type { Memberships } from "../kernel/memberships.ts";
import type { Outputs } from "../outputs/outputs.ts";
import type { Workers } from "../workers/workers.ts";
import { Drift } from "./drift.ts";
import { Joins } from "./join.ts";
import { endable, hasRefusal, type LiveRule, newsOf, type SocketOrder, stateOf, upbringingOf } from "./live-rule.ts";
import { Register, type Step } from "./register.ts";
import { orderChange } from "./rule-orders.ts";
import { settle, settleAll } from "./settle.ts";
import { subjectOf, tellSteps } from "./tell.ts";

/** What relaying stands on, and whom it tells what happened. */
export type RelayingParts = {
  links: Links;
  captures: Captures;
  memberships: Memberships;
  outputs: Outputs;
  ending: Ending;
  workers: () => Workers;
  onNews: (level: "Info" | "Warning" | "Error", message: string, fields?: Record<string, string | number>) => void;
};

/** A set of changes; `multicastTtl`, where it is given, changes with it. */
export type RelayingChange = Change & { multicastTtl?: number | undefined };

/** Every rule and what it needs, in line with the links; one change at a time. */
export class Relaying {
  private readonly parts: RelayingParts;
  private readonly register: Register;
  // What workers have since the last change.
  private endable = nothingRuns;
  private isRefused = false; // Something of a rule.
  private readonly joins: Joins;
  private readonly drift: Drift;
  private edition = 0; // Which change was the last.
  private looking: Promise<void> | undefined; // A look at links that waits for its turn.
  /** How long the last look at links took, without the waiting for workers. */
  settleMs = 0;
  readonly turns = new Turns();

  constructor(parts: RelayingParts) {
    this.parts = parts;
    this.joins = new Joins(parts);
    this.drift = new Drift(parts.onNews);
    this.register = new Register({ outputs: parts.outputs, pages: () => parts.workers().pages });
  }

  /** All rules, oldest first; the same list until one comes, goes or changes. */
  list(): readonly LiveRule[] {
    return this.register.list();
  }

  get size(): number {
    return this.register.size;
  }

  /** What stands under an id, a name or a place in the counter pages. */
  get book(): Pick<Register, "get" | "findByName" | "roster" | "bequest" | "inherit"> {
    return this.register;
  }

  /** What an operator should know of a rule though it runs. */
  warningsOf({ rule, uncaptured }: LiveRule): string[] {
    return [...this.register.warnings(rule), ...uncaptured];
  }

  /** Takes the rules of the file before any worker lives; returns the texts of those that cannot stand. */
  begin(rules: readonly Rule[]): Promise<string[]> {
    return this.inTurn(async () => {
      const refused: string[] = [];
      for (const rule of rules) {
        const change = { put: [rule], remove: [] };
        const steps = this.register.problem(change) ?? this.register.prepare(change);
        if (typeof steps === "string") {
          refused.push(steps);
          continue;
        }
        this.register.enter(steps);
      }
      settleAll(this.list(), this.parts);
      this.joins.follow(this.list());
      return refused;
    });
  }

  /** Adds a rule, or changes the one of its id. Done when every worker forwards it, or the rule is pending; else it is nowhere. */
  async add(rule: Rule): Promise<Outcome<LiveRule>> {
    const made = await this.apply({ put: [rule], remove: [] });
    const live = made.ok ? made.value.at(0)?.after : undefined;
    return made.ok && live !== undefined ? done(live) : failed(made.ok ? "" : made.error);
  }

  async remove(id: string): Promise<Outcome<Rule>> {
    const made = await this.apply({ put: [], remove: [id] });
    const live = made.ok ? made.value.at(0)?.before : undefined;
    return made.ok && live !== undefined ? done(live.rule) : failed(made.ok ? "" : made.error);
  }

  removeByName(name: string): Promise<Outcome<Rule>> {
    return this.inTurn(async () => {
      const found = this.register.findByName(name);
      const made = found.ok ? await this.applyNow({ put: [], remove: [found.value.rule_id] }) : found;
      return made.ok ? found : made;
    });
  }

  /**
   * Makes a set of changes in one step, on all workers or not at all: it is made when every worker has carried it out. Rules
   * that it does not name notice nothing. A function is asked when its turn has come, for what it then finds.
   */
  apply(change: RelayingChange | (() => RelayingChange)): Promise<Outcome<Step[]>> {
    return this.inTurn(() => this.applyNow(typeof change === "function" ? change() : change));
  }

  /** Links, addresses or routes changed: what waited may run, what ran may have to wait. */
  linksChanged(): Promise<void> {
    // One that waits for its turn will see what this one would.
    this.looking ??= this.inTurn(() => {
      this.looking = undefined;
      return this.followLinks();
    });
    return this.looking;
  }

  /** Whether something was refused that may work without any event: memory, descriptors. linksChanged() tries it again. */
  hasRefusals(): boolean {
    return this.joins.hasRefusals || this.isRefused;
  }

  /** Somebody else on this host may want, or no longer want, what rules consume. */
  lookForListeners(): Promise<void> {
    this.parts.ending.look();
    return this.turns.take(() => this.endAfterTap());
  }

  /** Compares what workers have with what they should have, and gives it anew to those that differ. */
  compareRules(): Promise<void> {
    const { places } = this.parts.workers();
    return this.turns.take(() => this.drift.look(places, () => this.running(), this.edition, performance.now()));
  }

  /** The orders that bring a worker that knows nothing to the present. */
  upbringing(): SocketOrder[] {
    return upbringingOf(this.running());
  }

  private running(): LiveRule[] {
    return this.list().filter((live) => live.pending === undefined);
  }

  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    // Last of all, and before anyone is answered: only what workers have may end after the tap.
    const last = () => {
      this.edition++;
      this.isRefused = this.list().some(hasRefusal);
      this.endable = runningOf(endable(this.list(), this.parts.links.table()));
      this.endAfterTap();
    };
    return this.turns.take(() => change().finally(last));
  }

  private endAfterTap(): void {
    const { ending, workers } = this.parts;
    ending.sync(workers().runningCount === 0 ? nothingRuns : this.endable);
  }

  private async followLinks(): Promise<void> {
    const { captures, ending, links } = this.parts;
    const startMs = performance.now();
    const gone = captures.takeGone(links.table());
    const changed = this.list().filter((live) => settle(live, this.parts));
    this.settleMs = performance.now() - startMs;
    this.joins.follow(
      this.list(),
      gone.flatMap(({ captured, isDead }) => (isDead ? [captured] : [])),
    );
    for (const { captured } of gone) {
      ending.leaveLink(captured.link.index);
    }
    await this.orderAll(changed);
    for (const { captured } of gone) {
      await captures.drop(captured);
    }
    await this.dropUnused();
  }

  private async applyNow(asked: RelayingChange): Promise<Outcome<Step[]>> {
    const { outputs, workers, ending } = this.parts;
    const ttlBefore = outputs.multicastTtl;
    const change = this.register.withTtl(asked, "multicastTtl" in asked ? asked.multicastTtl : ttlBefore);
    const problem = this.register.problem(change) ?? (change.put.length > 0 ? await workers().whole() : undefined);
    if (problem !== undefined) {
      outputs.multicastTtl = ttlBefore;
      return failed(problem);
    }
    const steps = this.register.prepare(change);
    if (typeof steps === "string") {
      outputs.multicastTtl = ttlBefore;
      return failed(steps);
    }
    // From here on it takes nothing of what changes, or it would end what a worker no longer has.
    for (const { before, after } of steps) {
      ending.take((before ?? after)?.serial ?? 0);
    }
    const strikeOut = this.register.enter(steps);
    const errors = await this.carryOut(steps);
    if (errors.length > 0 && change.put.length > 0) {
      strikeOut();
      outputs.multicastTtl = ttlBefore;
      await this.takeBack(steps);
      return failed(`${subjectOf(change)}: ${errors.join("; ")}. Nothing was changed.`);
    }
    await this.leaveBehind(steps);
    tellSteps(steps, (rule) => this.warningsOf(rule), this.parts.onNews);
    return done(steps);
  }

  private async carryOut(steps: readonly Step[]): Promise<string[]> {
    const coming = steps.flatMap(({ after }) => after ?? []);
    settleAll(coming, this.parts);
    if (coming.length > 0) {
      // What goes is heard until workers have let go of it: the change may have to be taken back.
      this.joins.follow([...this.list(), ...steps.flatMap(({ before }) => before ?? [])]);
    }
    return this.orderSteps(steps, "before", "after");
  }

  /** Brings workers from one side of the steps to the other. */
  private orderSteps(steps: readonly Step[], from: keyof Step, to: keyof Step): Promise<string[]> {
    const put = steps.flatMap((step) => (step[to]?.pending === undefined ? (step[to] ?? []) : []));
    const stays = new Set(put.map(({ serial }) => serial));
    const remove = steps.flatMap((step) => step[from]?.serial ?? []).filter((serial) => !stays.has(serial));
    return orderChange(this.parts.workers(), put, remove);
  }

  private async takeBack(steps: readonly Step[]): Promise<void> {
    // Outputs that both sides have may have been opened anew for the one that is not to be: "+1000" of another port.
    settleAll(
      steps.flatMap(({ before }) => before ?? []),
      this.parts,
    );
    for (const error of await this.orderSteps(steps, "after", "before")) {
      this.parts.onNews("Error", `a change could not be taken back: ${error}`);
    }
    this.register.discard(steps);
    await this.dropUnheard();
  }

  private async leaveBehind(steps: readonly Step[]): Promise<void> {
    for (const { before, after } of steps) {
      if (before !== undefined && after === undefined) {
        this.parts.ending.forget(before.serial);
      }
    }
    this.register.release(steps);
    if (steps.some(({ before }) => before !== undefined)) {
      await this.dropUnheard();
    }
  }

  private async dropUnheard(): Promise<void> {
    this.joins.follow(this.list());
    await this.dropUnused();
  }

  /** Rules that links have changed: what runs is ordered, what waits is withdrawn. */
  private async orderAll(changed: readonly LiveRule[]): Promise<void> {
    const running = changed.filter((live) => live.pending === undefined);
    const waiting = changed.filter((live) => live.pending !== undefined).map(({ serial }) => serial);
    for (const serial of waiting) {
      this.parts.ending.take(serial);
    }
    for (const error of await orderChange(this.parts.workers(), running, waiting)) {
      this.parts.onNews("Error", error);
    }
    for (const live of changed) {
      this.parts.onNews("Info", stateOf(live), newsOf(live));
    }
  }

  private async dropUnused(): Promise<void> {
    const used = new Set(this.list().flatMap((live) => live.captures));
    for (const captured of this.parts.captures.list()) {
      if (!used.has(captured)) {
        await this.parts.captures.drop(captured);
      }
    }
  }
}
