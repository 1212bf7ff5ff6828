// doctor --fix and --undo: the script of appliance/tuning, for the links of the running rules. It is shown what would change, then
// the operator is asked, then it is changed.
import script from "../../appliance/tuning/tune" with { type: "text" };
import { exitCodes } from "../base/exit.ts";
import { usage } from "./answer.ts";
import type { Given, World } from "./verb.ts";

/** What the script said and how it ended. */
export type TuneResult = { code: number; said: string; complained: string };

/** What tuning stands on; tests bring a machine of their own. */
export type TuneTools = {
  script: (args: readonly string[]) => TuneResult;
  /** Whether the operator agrees; undefined: there is nobody to ask. */
  agrees: (() => boolean) | undefined;
};

/** This machine, and whoever sits at the terminal. */
export const thisMachine: TuneTools = {
  script: (args) => runTune(args),
  agrees: process.stdin.isTTY ? () => confirm("Change this?") : undefined,
};

/** Runs the embedded script with these arguments. */
export function runTune(args: readonly string[]): TuneResult {
  const ended = Bun.spawnSync(["sh", "-c", script, "tune", ...args], { stdout: "pipe", stderr: "pipe" });
  return { code: ended.exitCode, said: ended.stdout.toString(), complained: ended.stderr.toString() };
}

/** `doctor --fix PROFILE` and `doctor --undo`; the exit code is the script's. */
export async function tune(given: Given, world: World, tools: TuneTools = thisMachine): Promise<number> {
  const profile = given.text("fix");
  if (world.json || (profile !== undefined) === given.flag("undo")) {
    return usage(
      world,
      "'doctor' takes one of --fix PROFILE and --undo, without --json. See 'mcr-appliance help doctor'.",
    );
  }
  if (profile === undefined) {
    return show(tools.script(["--undo"]), world);
  }
  const links = given.texts("interface").length > 0 ? given.texts("interface") : await linksOfRules(world);
  const what = [profile, ...new Set(links)];
  if (given.flag("yes") && !given.flag("dry-run")) {
    return show(tools.script(["--apply", ...what]), world);
  }
  const code = show(tools.script(what), world);
  if (code !== exitCodes.ok || given.flag("dry-run")) {
    return code;
  }
  if (tools.agrees === undefined) {
    return usage(world, "there is no terminal to ask at: --yes changes this, --dry-run only shows it");
  }
  if (!tools.agrees()) {
    world.say("nothing was changed");
    return exitCodes.ok;
  }
  return show(tools.script(["--apply", ...what]), world);
}

function show({ code, said, complained }: TuneResult, world: World): number {
  for (const [text, tell] of [
    [said, world.say],
    [complained, world.complain],
  ] as const) {
    if (text.trim() !== "") {
      tell(text.trimEnd());
    }
  }
  return code;
}

/** Inputs and outputs of what runs; none without a supervisor. */
async function linksOfRules(world: World): Promise<string[]> {
  const answer = await world.ask("ListRules");
  if (!answer.ok || !("Rules" in answer.value.reply)) {
    return [];
  }
  return answer.value.reply.Rules.flatMap((rule) => [
    rule.input_interface,
    ...rule.outputs.map((output) => output.interface),
  ]);
}
