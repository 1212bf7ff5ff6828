// config plan, apply, confirm, rollback, diff: the way from a file to what runs, and back.
import { exitCodes } from "../../base/exit.ts";
import { printable } from "../../base/printable.ts";
import { readFiles } from "../../config/files.ts";
import { judgeTexts } from "../../config/load.ts";
import type { ListedPlan } from "../../control/config-words.ts";
import type { Command } from "../../control/words.ts";
import { limits } from "../../limits.ts";
import { askAndShow, usage } from "../answer.ts";
import { numberOf } from "../outputs.ts";
import type { Given, World } from "../verb.ts";
import { showProblems } from "./check.ts";
import { showPlan, sums } from "./show-plan.ts";

/** What a file, or without one the supervisor's own files, would change. */
export function plan(given: Given, world: World): Promise<number> {
  return withText(given, world, (text) => askAndShow(world, { PlanConfig: { text } }, "Plan", showPlan));
}

/** Runs a file, or the supervisor's own files. */
export function apply(given: Given, world: World): Promise<number> {
  const within = given.text("confirm-within");
  const confirm_within_ms = within === undefined ? undefined : milliseconds(within);
  if (Number.isNaN(confirm_within_ms)) {
    const said = `--confirm-within needs a time such as 60s, 5m or 1h, not '${printable(within ?? "")}'`;
    return Promise.resolve(usage(world, said));
  }
  return withText(given, world, (text) =>
    askAndShow(world, { ApplyConfig: { text, confirm_within_ms } }, "Plan", showApplied),
  );
}

/** Keeps what was applied for a time. */
export function confirm(_: Given, world: World): Promise<number> {
  return askAndShow(world, "ConfirmConfig", "Success", printable);
}

/** Takes back the newest version, or runs an older one. */
export function rollback(given: Given, world: World): Promise<number> {
  const text = given.text("version");
  const version = text === undefined ? undefined : numberOf(text);
  return typeof version === "string"
    ? Promise.resolve(usage(world, `--version needs a number, not '${printable(version)}'`))
    : askAndShow(world, { RollbackConfig: { version } }, "Plan", showApplied);
}

/** What runs against what the files said when they were last read or written. */
export function diff(_: Given, world: World): Promise<number> {
  const show = (differences: ListedPlan) =>
    differences.rules.length + differences.settings.length === 0
      ? "what runs is what the files say"
      : `${showPlan(differences)}\n'mcr-appliance config save' writes this into the files`;
  return askAndShow(world, "DiffConfig", "Plan", show);
}

/** What was changed, and what is to be done about it. */
export function showApplied(applied: ListedPlan): string {
  const { version, confirm_within_ms } = applied;
  if (version === undefined) {
    return `nothing to change: ${sums(applied)}`;
  }
  const wait =
    confirm_within_ms === undefined
      ? ""
      : `\nit is taken back in ${confirm_within_ms / 1000} s, unless 'mcr-appliance config confirm' comes first`;
  return `${showPlan(applied)}\nversion ${version} runs${wait}`;
}

/** Reads and judges the one FILE here, where the operator's paths and rights are; without one there is no text. */
async function withText(
  given: Given,
  world: World,
  then: (text: string | undefined) => Promise<number>,
): Promise<number> {
  const [file, ...others] = given.positionals;
  if (others.length > 0) {
    return usage(world, "one FILE at most; for several, let the supervisor read them from conf.d");
  }
  if (file === undefined) {
    return then(undefined);
  }
  const { texts, problems: unread } = await readFiles([file]);
  const { loaded, problems } = judgeTexts(texts);
  showProblems([...unread, ...problems], world);
  const [text] = texts;
  if (unread.length > 0 || loaded === undefined || text === undefined) {
    return exitCodes.configuration;
  }
  return then(text.text);
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** `60s` in milliseconds; NaN for what is no time or too long. */
function milliseconds(text: string): number {
  const match = /^([0-9]{1,6})([smh]?)$/.exec(text);
  const unit = (match?.[2] || "s") as keyof typeof unitMs;
  const ms = match === null ? Number.NaN : Number(match[1]) * unitMs[unit];
  return ms >= 1 && ms <= limits.configConfirmMaxMs ? ms : Number.NaN;
}

/** For the verb `reload`: the supervisor's own files, now. */
export const reloadCommand: Command = { ApplyConfig: {} };
