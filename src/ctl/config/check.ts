// config check: what is wrong with configuration files, all of it, without a supervisor.
import { exitCodes } from "../../base/exit.ts";
import { printable } from "../../base/printable.ts";
import { configPathDefault, readFiles } from "../../config/files.ts";
import { judgeTexts, loadConfig, type Verdict } from "../../config/load.ts";
import { type Problem, problemLines } from "../../config/problem.ts";
import { limits } from "../../limits.ts";
import type { Given, World } from "../verb.ts";

/** Exit code 0 when the files can be used, else 78. */
export async function check(given: Given, world: World): Promise<number> {
  const files = given.positionals.length === 0 ? [configPathDefault] : given.positionals;
  const { loaded, problems } = await judgeFiles(files);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  if (world.json) {
    world.say(JSON.stringify({ valid: loaded !== undefined, problems: problems.map(asJson) }, null, 2));
  } else {
    showProblems(problems, world);
    const warnings = problems.length - errors;
    const also = warnings === 0 ? "" : `, ${counted(warnings, "warning")}`;
    if (loaded === undefined) {
      const most = errors >= limits.configProblemsMax ? "; there may be more" : "";
      world.complain(`${counted(errors, "error")}${also}${most}`);
    } else {
      const rules = counted(loaded.rules.length, "rule");
      world.say(
        `${loaded.texts.map(({ path }) => printable(path)).join(", ") || "no file"}: ${rules}, no errors${also}`,
      );
    }
  }
  return loaded === undefined ? exitCodes.configuration : exitCodes.ok;
}

/** All problems to standard error, each with its line. */
export function showProblems(problems: readonly Problem[], world: World): void {
  for (const problem of problems) {
    world.complain(problemLines(problem).join("\n"));
  }
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

async function judgeFiles(files: readonly string[]): Promise<Verdict> {
  const [first = configPathDefault] = files;
  if (files.length <= 1) {
    return loadConfig(first);
  }
  const { texts, problems } = await readFiles(files);
  const verdict = judgeTexts(texts);
  const all = [...problems, ...verdict.problems];
  return problems.length > 0 ? { problems: all } : { ...verdict, problems: all };
}

function asJson({ severity, file, place, message }: Problem) {
  return { severity, file, line: place?.line, column: place?.column, message };
}
