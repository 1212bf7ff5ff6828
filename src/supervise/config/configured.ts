// The configuration that the supervisor starts with.
import { resolve } from "node:path";
import { exitCodes } from "../../base/exit.ts";
import { configPathDefault } from "../../config/files.ts";
import { judgeTexts, type Loaded, loadConfig } from "../../config/load.ts";
import { problemLine } from "../../config/problem.ts";
import type { Log } from "../../log/forward.ts";
import type { SuperviseOptions } from "../start/options.ts";
import type { Refusal } from "../start/requirements.ts";

/** The main file; undefined: none, also not the usual one. */
export function configPathOf({ configPath, asMcrd }: SuperviseOptions): string | undefined {
  if (configPath === undefined) {
    return asMcrd === undefined ? configPathDefault : undefined;
  }
  return resolve(configPath);
}

/** What the files ask for. Without a name for one, the default file, if it is there. Every mistake is a line of the log. */
export async function configured(options: SuperviseOptions, log: Log): Promise<Loaded | Refusal> {
  const path = configPathOf(options);
  const { loaded, problems } = path === undefined ? judgeTexts([]) : await loadConfig(path);
  for (const problem of problems) {
    log.say(problem.severity === "error" ? "Error" : "Warning", problemLine(problem));
  }
  if (loaded !== undefined) {
    if (path !== undefined) {
      log.announce("Info", `[Supervisor] Loaded config from ${JSON.stringify(path)} (${loaded.rules.length} rules)`);
    }
    return loaded;
  }
  const first = problems.find(({ severity }) => severity === "error");
  const count = problems.filter(({ severity }) => severity === "error").length;
  const rest = count > 1 ? ` (and ${count - 1} more above; 'mcr-appliance config check' shows them all)` : "";
  return { code: exitCodes.configuration, text: `${first === undefined ? (path ?? "") : problemLine(first)}${rest}` };
}
