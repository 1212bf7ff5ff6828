// What relays: the rules, and for each the capture, the membership and the sockets it needs, as far as the links allow.
// One way leads from what is wanted to what runs, whether an operator or a link made the change: settle the rule, then order
// it to every worker. Changes happen one at a time.
import { done, failed, type Outcome } from "../base/outcome.ts";
import { ruleMax } from "../relay/counters.ts";
import type { Rule } from "../rules/schema.ts";
import { RuleTable } from "../rules/table.ts";
import { closeSocket } from "../shim/socket.ts";
import type { CapturedLink, Captures } from "./captures.ts";
import type { Ending } from "./ending.ts";
import type { EndingRule } from "./ending-facts.ts";
import { joinWanted } from "./join.ts";
import type { Links } from "./links.ts";
import { endable, type LiveRule, newsOf, orderRule, type SocketOrder, upbringingOf, usable } from "./live-rule.ts";
import type { Memberships } from "./memberships.ts";
import { Numbers } from "./numbers.ts";
import type { Outputs } from "./outputs.ts";
import { clearRule } from "./pages.ts";
import type { Workers } from "./workers.ts";

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

/** Every rule and what it needs, in line with the links; one change at a time. */
export class Relaying {
  private readonly parts: RelayingParts;
  private readonly table = new RuleTable();
  private readonly lives = new Map<string, LiveRule>();
  private readonly counters = new Numbers(ruleMax);
  private serial = 0;
  // What workers have since the last change.
  private endable: EndingRule[] = [];
  // The tail of the line of changes.
  private last: Promise<unknown> = Promise.resolve();

  constructor(parts: RelayingParts) {
    this.parts = parts;
  }

  /** All rules, oldest first. */
  list(): LiveRule[] {
    return [...this.lives.values()];
  }

  get size(): number {
    return this.table.size;
  }

  /** What an operator should know of a rule though it runs. */
  warningsOf({ rule }: LiveRule): string[] {
    return [...this.table.warnings(rule)];
  }

  /** Takes the rules of the file before any worker lives; returns the texts of those that cannot stand. */
  begin(rules: readonly Rule[]): Promise<string[]> {
    return this.inTurn(async () => {
      const refused: string[] = [];
      for (const rule of rules) {
        const live = this.table.problem(rule) ?? this.makeLive(rule, undefined);
        if (typeof live === "string") {
          refused.push(live);
          continue;
        }
        this.lives.set(rule.rule_id, live);
        this.table.add(rule);
        this.settle(live);
      }
      this.joinWanted();
      return refused;
    });
  }

  /** Adds a rule, or changes the one of its id. Done when every worker forwards it, or the rule is pending; else it is nowhere. */
  add(rule: Rule): Promise<Outcome<LiveRule>> {
    return this.inTurn(() => this.addNow(rule));
  }

  remove(id: string): Promise<Outcome<Rule>> {
    return this.inTurn(() => this.removeNow(id));
  }

  removeByName(name: string): Promise<Outcome<Rule>> {
    return this.inTurn(async () => {
      const found = this.table.findByName(name);
      return found.ok ? this.removeNow(found.value.rule_id) : found;
    });
  }

  /** Links, addresses or routes changed: what waited may run, what ran may have to wait. */
  linksChanged(): Promise<void> {
    return this.inTurn(async () => {
      const gone = this.parts.captures.list().filter((captured) => !this.isCurrent(captured));
      const changed = this.list().filter((live) => this.settle(live));
      this.joinWanted();
      await this.orderAll(changed);
      for (const captured of gone) {
        await this.parts.captures.drop(captured);
      }
      await this.dropUnused();
    });
  }

  /** Somebody else on this host may want, or no longer want, what rules consume. */
  lookForListeners(): Promise<void> {
    this.parts.ending.look();
    const looked = this.last.then(() => this.endAfterTap());
    this.last = looked.catch(() => undefined);
    return looked;
  }

  /** The orders that bring a worker that knows nothing to the present. */
  upbringing(): SocketOrder[] {
    return upbringingOf(this.list().filter((live) => live.pending === undefined));
  }

  private inTurn<T>(change: () => Promise<T>): Promise<T> {
    // Last of all, and before anyone is answered: only what workers have may end after the tap.
    const turn = this.last.then(change).finally(() => {
      this.endable = endable(this.list(), this.parts.links.table());
      this.endAfterTap();
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private endAfterTap(): void {
    const { ending, workers } = this.parts;
    ending.sync(workers().runningCount === 0 ? [] : this.endable);
  }

  private async addNow(rule: Rule): Promise<Outcome<LiveRule>> {
    const problem = this.table.problem(rule) ?? (await this.parts.workers().whole());
    if (problem !== undefined) {
      return failed(problem);
    }
    const before = this.lives.get(rule.rule_id);
    const live = this.makeLive(rule, before);
    if (typeof live === "string") {
      return failed(live);
    }
    this.parts.ending.take(live.serial);
    this.lives.set(rule.rule_id, live);
    this.table.add(rule);
    this.settle(live);
    this.joinWanted();
    const errors = live.pending === undefined ? await this.order(live) : await this.withdraw(before);
    if (errors.length > 0) {
      await this.undo(live, before);
      return failed(`Rule ${rule.rule_id} not added: ${errors.join("; ")}. Nothing was changed.`);
    }
    this.parts.outputs.release((before?.outputs ?? []).filter((output) => !live.outputs.includes(output)));
    await this.dropUnused();
    this.say(live, before === undefined ? "rule added" : "rule changed");
    for (const warning of this.table.warnings(rule)) {
      this.parts.onNews("Warning", warning, { rule: rule.rule_id });
    }
    return done(live);
  }

  private makeLive(rule: Rule, before: LiveRule | undefined): LiveRule | string {
    const outputs = this.parts.outputs.adopt(rule, before?.outputs ?? []);
    if (typeof outputs === "string") {
      return outputs;
    }
    const counter = before?.counter ?? this.counters.take();
    if (counter === undefined) {
      return `there are ${ruleMax} rules, the most there can be`;
    }
    if (before === undefined) {
      clearRule(this.parts.workers().pages, counter);
      this.serial++;
    }
    return {
      rule,
      serial: before?.serial ?? this.serial,
      counter,
      sinceMs: before?.sinceMs ?? performance.now(),
      outputs,
      capture: undefined,
      pending: "not settled",
    };
  }

  /** Takes `live` back everywhere and puts `before` in its place. */
  private async undo(live: LiveRule, before: LiveRule | undefined): Promise<void> {
    this.table.remove(live.rule.rule_id);
    this.lives.delete(live.rule.rule_id);
    await this.parts.workers().order({ kind: "RemoveRule", serial: live.serial });
    this.parts.outputs.release(live.outputs.filter((output) => !before?.outputs.includes(output)));
    if (before === undefined) {
      this.counters.give(live.counter);
    } else {
      this.table.add(before.rule);
      this.lives.set(before.rule.rule_id, before);
      this.settle(before);
      await this.orderAll([before]);
    }
    this.joinWanted();
    await this.dropUnused();
  }

  private async removeNow(id: string): Promise<Outcome<Rule>> {
    const removed = this.table.remove(id);
    const live = this.lives.get(id);
    if (!removed.ok || live === undefined) {
      return removed;
    }
    this.lives.delete(id);
    await this.withdraw(live);
    this.parts.ending.forget(live.serial);
    this.parts.outputs.release(live.outputs);
    this.counters.give(live.counter);
    this.joinWanted();
    await this.dropUnused();
    this.say(live, "rule removed");
    return removed;
  }

  /** Brings a rule in line with the links. True when workers must hear of it. */
  private settle(live: LiveRule): boolean {
    const { links, captures, outputs } = this.parts;
    const wasPending = live.pending;
    const wasCapture = live.capture;
    const link = links.table().get(live.rule.input_interface);
    const captured = usable(live.rule.input_interface, link) ?? (link === undefined ? "" : captures.open(link));
    live.capture = typeof captured === "string" ? undefined : captured;
    live.pending = typeof captured === "string" ? captured : undefined;
    let hasChanged = wasPending !== live.pending || wasCapture !== live.capture;
    for (const output of live.outputs) {
      const { changed, stale } = outputs.settle(output, live.rule.input_protocol);
      if (stale >= 0) {
        // Workers hold copies of their own; ours has served.
        closeSocket(stale);
      }
      hasChanged = hasChanged || changed;
    }
    return hasChanged;
  }

  /** Tells every worker of a rule, its sockets first. */
  private async order(live: LiveRule): Promise<string[]> {
    const open = live.outputs.filter((output) => output.fd >= 0);
    const ids = open.map((output) => output.id);
    const sockets = open.map((output) => output.fd);
    const workers = this.parts.workers();
    const passed = ids.length > 0 ? workers.order({ kind: "Sockets", ids }, sockets) : Promise.resolve([]);
    const added = workers.order({ kind: "AddRule", rule: orderRule(live) });
    return [...(await passed), ...(await added)];
  }

  private async withdraw(live: LiveRule | undefined): Promise<string[]> {
    if (live !== undefined) {
      this.parts.ending.take(live.serial);
      await this.parts.workers().order({ kind: "RemoveRule", serial: live.serial });
    }
    return [];
  }

  private async orderAll(changed: readonly LiveRule[]): Promise<void> {
    for (const live of changed) {
      const errors = live.pending === undefined ? await this.order(live) : await this.withdraw(live);
      for (const error of errors) {
        this.parts.onNews("Error", `rule ${live.rule.rule_id}: ${error}`);
      }
      this.say(live, live.pending === undefined ? "rule runs" : "rule waits");
    }
  }

  private joinWanted(): void {
    joinWanted(this.list(), this.parts);
  }

  private async dropUnused(): Promise<void> {
    const used = new Set(this.list().map((live) => live.capture));
    for (const captured of this.parts.captures.list()) {
      if (!used.has(captured)) {
        await this.parts.captures.drop(captured);
      }
    }
  }

  private isCurrent(captured: CapturedLink): boolean {
    return this.parts.links.table().get(captured.link.name)?.index === captured.link.index;
  }

  private say(live: LiveRule, message: string): void {
    this.parts.onNews("Info", message, newsOf(live));
  }
}
