// A configuration file as mcrctl reads it: the client reads and parses, the daemon judges what it means.
import { readFileSync } from "node:fs";
import { done, failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { meaningOf } from "../config/json5/node.ts";
import { parseJson5 } from "../config/json5/parse.ts";
import { problemLine, Reporter } from "../config/problem.ts";

/** The value that the JSON5 text at `path` says; the error has MCR's beginnings, and every place that is wrong. */
export function readConfigFile(path: string): Outcome<unknown> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return failed(`failed to read config file '${path}': ${reasonOf(error)}`);
  }
  const { root, complaints } = parseJson5(text);
  const reporter = new Reporter(path, text);
  const lines = complaints.map(({ message, ...span }) => problemLine(reporter.problem("error", span, message)));
  return lines.length === 0 ? done(meaningOf(root)) : failed(`failed to parse config: ${lines.join("\n")}`);
}
