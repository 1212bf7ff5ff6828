// The configuration at run time: what files said when they were last read or written, what runs, and the way between the two.
// It decides what changes; relaying.ts carries it out.
import { dirname } from "node:path";
import { done, failed, type Outcome } from "../../base/outcome.ts";
import { configPathDefault } from "../../config/files.ts";
import { type Cause, History, type Version } from "../../config/history.ts";
import { judgeTexts, type Loaded, loadConfig, type Settings } from "../../config/load.ts";
import { changeOf, isEmpty, type Plan, planCounts, planOf, type Setup, undone } from "../../config/plan.ts";
import { problemLine } from "../../config/problem.ts";
import { rewritten } from "../../config/rewrite.ts";
import { isSameRule } from "../../config/rule-value.ts";
import { targetAnywhere, targetInside } from "../../config/target.ts";
import { writeAll } from "../../config/write.ts";
import type { Rule } from "../../rules/schema.ts";
import type { Relaying } from "../rules/relaying.ts";
import { configurationWill, versionsOf } from "../succession/versions.ts";
import type { ConfigurationWill } from "../succession/will.ts";
import { isError, readText } from "./config-text.ts";

/** What it stands on. `path` is the main file; undefined: there are no files (mcrd without --config). */
export type ConfigurationParts = {
  relaying: Pick<Relaying, "list" | "apply">;
  path: string | undefined;
  loaded: Loaded;
  onNews: (level: "Notice" | "Warning" | "Error", message: string, fields?: Record<string, string | number>) => void;
  /** Milliseconds since 1970. */
  nowMs: () => number;
};

/** A change that was made: its plan and, if it changed anything, its version. */
export type Applied = { plan: Plan; version?: Version; confirmWithinMs?: number };

type Awaited = { version: Version; timer: ReturnType<typeof setTimeout>; untilMs: number };

/** How a rule that runs differs from the files. */
export type Unsaved = "added" | "changed";

/** Applies, confirms, rolls back and saves. */
export class Configuration {
  readonly history = new History();
  private readonly parts: ConfigurationParts;
  private settings: Settings;
  private saved: Loaded;
  private savedById: ReadonlyMap<string, Rule>;
  private awaited: Awaited | undefined;

  constructor(parts: ConfigurationParts) {
    this.parts = parts;
    this.saved = parts.loaded;
    this.savedById = byId(this.saved.rules);
    this.settings = parts.loaded.settings;
    const setup = { rules: parts.loaded.rules, settings: this.settings };
    this.history.add({ how: "start" }, parts.nowMs(), setup, planOf({ rules: [], settings: {} }, setup));
  }

  /** For the supervisor after us. */
  get bequest(): ConfigurationWill {
    return configurationWill(this.settings, this.saved.texts, this.history, this.awaited);
  }

  /** Goes on where the supervisor before us ended. What waited to be confirmed has the rest of its time. */
  inherit({ settings, lastVersion, versions, awaited }: ConfigurationWill): void {
    this.settings = settings;
    this.history.inherit(versionsOf(versions), lastVersion);
    const version = awaited && this.history.get(awaited.number);
    if (awaited !== undefined && version !== undefined) {
      this.await(version, Math.max(0, awaited.untilMs - this.parts.nowMs()));
    }
  }

  /** All that runs. */
  running(): Setup {
    return { rules: this.parts.relaying.list().map(({ rule }) => rule), settings: this.settings };
  }

  /** What it would take to run what `text` says, or the files when there is none. */
  async plan(text: string | undefined): Promise<Outcome<Plan>> {
    const wanted = text === undefined ? await this.readFiles() : readText(text);
    return wanted.ok ? done(planOf(this.running(), wanted.value)) : wanted;
  }

  /** Runs what `text` says. With `confirmWithinMs` it is taken back by itself unless confirm() comes in that time. */
  async apply(text: string, cause: Cause, confirmWithinMs?: number): Promise<Outcome<Applied>> {
    const wanted = readText(text);
    return wanted.ok ? this.run(wanted.value, cause, confirmWithinMs) : wanted;
  }

  /** Runs a setup that was checked already. */
  run(wanted: Setup, cause: Cause, confirmWithinMs?: number): Promise<Outcome<Applied>> {
    return this.change(cause, () => wanted, confirmWithinMs);
  }

  /** Runs what `wantedOf` makes of what runs at that moment. */
  merge(wantedOf: (running: Setup) => Setup, cause: Cause): Promise<Outcome<Applied>> {
    return this.change(cause, wantedOf);
  }

  /** The main file, where there is one. */
  get path(): string | undefined {
    return this.parts.path;
  }

  /** Runs what the files say now. */
  async reload(cause: Cause, confirmWithinMs?: number): Promise<Outcome<Applied>> {
    const loaded = await this.readFiles();
    const applied = loaded.ok ? await this.run(loaded.value, cause, confirmWithinMs) : loaded;
    if (loaded.ok && applied.ok) {
      this.keep(loaded.value);
    }
    return applied;
  }

  /** What was applied for a time is to stay. */
  confirm(): Outcome<Version> {
    const { awaited } = this;
    if (awaited === undefined) {
      return failed("nothing waits to be confirmed");
    }
    this.settle();
    this.parts.onNews("Notice", "the configuration is confirmed", { version: awaited.version.number });
    return done(awaited.version);
  }

  /**
   * Takes back what waits to be confirmed; else the newest version, or runs version `number` again. Rules that were added or
   * removed by command since, and that the version did not touch, stay as they are.
   */
  async rollback(cause: Cause, number?: number): Promise<Outcome<Applied>> {
    if (number !== undefined) {
      const version = this.history.get(number);
      return version === undefined ? failed(this.unknownVersion(number)) : this.takeBack(() => version.setup, cause);
    }
    const version = this.awaited?.version ?? this.history.list().at(-1);
    if (version === undefined || version.how === "start") {
      return failed("there is no version before this one; 'config history' shows which are kept");
    }
    return this.takeBack((running) => undone(running, version.plan), cause);
  }

  /** What runs against what the files said when they were last read or written. */
  unsavedPlan(): Plan {
    return planOf(this.saved, this.running());
  }

  /** How a rule that runs differs from the files, if it does. */
  unsaved(rule: Rule): Unsaved | undefined {
    const before = this.savedById.get(rule.rule_id);
    return before === undefined ? "added" : isSameRule(before, rule) ? undefined : "changed";
  }

  /**
   * Writes what runs into the files, or all of it into one file at `wanted`, anywhere for somebody who is `trusted`, and over
   * files that others have changed when `forced`; answers which were written.
   */
  async save(wanted: string | undefined, by: { forced: boolean; trusted: boolean }): Promise<Outcome<string[]>> {
    const running = this.running();
    const main = this.parts.path ?? configPathDefault;
    if (wanted !== undefined) {
      const target = await (by.trusted ? targetAnywhere : targetInside)(dirname(main), wanted);
      if (!target.ok) {
        return target;
      }
      if (target.value !== this.parts.path) {
        const texts = rewritten([], running, target.value);
        const written = texts.ok ? await writeAll(texts.value) : texts;
        return written.ok ? done([target.value]) : written;
      }
    }
    const { loaded, problems } = await loadConfig(main);
    const texts = loaded?.texts;
    const isChanged = !Bun.deepEquals(texts, this.saved.texts);
    if (isChanged && !by.forced) {
      return failed(
        "the files were changed since they were read; 'config plan' shows how, 'reload' takes them, --force overwrites them",
      );
    }
    if (texts === undefined) {
      return failed(`the files cannot be read: ${problems.map(problemLine)[0] ?? ""}`);
    }
    return this.write(texts, running);
  }

  /** Ends what waits: the supervisor ends, and starts again from the files. */
  close(): void {
    this.settle();
  }

  private async write(texts: Loaded["texts"], running: Setup): Promise<Outcome<string[]>> {
    const changed = rewritten(texts, running, this.parts.path ?? configPathDefault);
    if (!changed.ok) {
      return changed;
    }
    const written = await writeAll(changed.value);
    if (!written.ok) {
      return written;
    }
    const news = new Map(changed.value.map(({ path, text }) => [path, text]));
    const now = texts.map(({ path, text }) => ({ path, text: news.get(path) ?? text }));
    const created = changed.value.filter(({ path }) => !texts.some((each) => each.path === path));
    const { loaded } = judgeTexts([...created, ...now]);
    if (loaded !== undefined) {
      this.keep(loaded);
    }
    return done(changed.value.map(({ path }) => path));
  }

  private async readFiles(): Promise<Outcome<Loaded>> {
    if (this.parts.path === undefined) {
      return failed("there are no files to read: it was started without --config");
    }
    const { loaded, problems } = await loadConfig(this.parts.path);
    for (const problem of problems) {
      this.parts.onNews(problem.severity === "error" ? "Error" : "Warning", problemLine(problem));
    }
    return loaded === undefined ? failed(problems.filter(isError).map(problemLine).join("\n")) : done(loaded);
  }

  private async change(
    cause: Cause,
    wantedOf: (running: Setup) => Setup,
    confirmWithinMs?: number,
  ): Promise<Outcome<Applied>> {
    if (this.awaited !== undefined) {
      const left = Math.max(0, Math.ceil((this.awaited.untilMs - this.parts.nowMs()) / 1000));
      const { number } = this.awaited.version;
      return failed(`version ${number} waits ${left} s more for 'config confirm'; confirm it or roll it back first`);
    }
    return this.carryOut(cause, wantedOf, confirmWithinMs);
  }

  private async carryOut(
    cause: Cause,
    wantedOf: (running: Setup) => Setup,
    confirmWithinMs?: number,
  ): Promise<Outcome<Applied>> {
    let made: { plan: Plan; wanted: Setup } | undefined;
    const applied = await this.parts.relaying.apply(() => {
      // In its turn: what was added since it was asked for counts.
      const wanted = wantedOf(this.running());
      made = { plan: planOf(this.running(), wanted), wanted };
      return { ...changeOf(made.plan), multicastTtl: wanted.settings.multicast_ttl ?? undefined };
    });
    if (!applied.ok || made === undefined) {
      return applied.ok ? failed("nothing was planned") : applied;
    }
    const { plan, wanted } = made;
    this.settings = wanted.settings;
    if (isEmpty(plan)) {
      return done({ plan });
    }
    const version = this.history.add(cause, this.parts.nowMs(), this.running(), plan);
    this.parts.onNews("Notice", `configuration version ${version.number} runs`, planCounts(plan));
    if (confirmWithinMs !== undefined) {
      this.await(version, confirmWithinMs);
    }
    return done({ plan, version, ...(confirmWithinMs === undefined ? {} : { confirmWithinMs }) });
  }

  private takeBack(wantedOf: (running: Setup) => Setup, cause: Cause): Promise<Outcome<Applied>> {
    this.settle();
    return this.carryOut(cause, wantedOf);
  }

  private await(version: Version, confirmWithinMs: number): void {
    const timer = setTimeout(() => {
      this.parts.onNews("Warning", "the configuration was not confirmed in time; it is taken back", {
        version: version.number,
      });
      void this.rollback({ how: "not confirmed" }).then((taken) => {
        if (!taken.ok) {
          this.parts.onNews("Error", `the configuration could not be taken back: ${taken.error}`);
        }
      });
    }, confirmWithinMs);
    this.awaited = { version, timer, untilMs: this.parts.nowMs() + confirmWithinMs };
  }

  private settle(): void {
    clearTimeout(this.awaited?.timer);
    this.awaited = undefined;
  }

  private keep(loaded: Loaded): void {
    this.saved = loaded;
    this.savedById = byId(loaded.rules);
  }

  private unknownVersion(number: number): string {
    const [first] = this.history.list();
    return `version ${number} is not kept; 'config history' shows those from ${first?.number ?? 1} on`;
  }
}

function byId(rules: readonly Rule[]): ReadonlyMap<string, Rule> {
  return new Map(rules.map((rule) => [rule.rule_id, rule]));
}
