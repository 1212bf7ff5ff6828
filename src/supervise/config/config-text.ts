// A configuration that came as a text.
import { done, failed, type Outcome } from "../../base/outcome.ts";
import { judgeTexts, type Loaded } from "../../config/load.ts";
import { problemLine } from "../../config/problem.ts";

/** Whether a problem keeps a configuration from being run. */
export function isError({ severity }: { severity: string }): boolean {
  return severity === "error";
}

/** What `text` says, or all that is wrong with it, a line each. */
export function readText(text: string): Outcome<Loaded> {
  const { loaded, problems } = judgeTexts([{ path: "the configuration", text }]);
  return loaded === undefined ? failed(problems.filter(isError).map(problemLine).join("\n")) : done(loaded);
}
