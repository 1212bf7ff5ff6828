// Why it does not run, as mcrd says it (INTEROP.md 1.1): the step that failed, then its cause.
import { readFileSync } from "node:fs";
import { exitCodes } from "../../base/exit.ts";
import type { Refusal } from "./requirements.ts";

/** The text of `refusal`; `configPath` as it was given. A file that cannot be read, or is not JSON5, was not even loaded. */
export function mcrdRefusal({ code, text }: Refusal, configPath: string | undefined): string {
  if (code !== exitCodes.configuration || configPath === undefined) {
    return `[Supervisor] Error: ${text}`;
  }
  const step = isJson5(configPath) ? "Invalid config in" : "Failed to load config from";
  return `Error: ${step} ${JSON.stringify(configPath)}: ${text}`;
}

function isJson5(path: string): boolean {
  try {
    Bun.JSON5.parse(readFileSync(path, "utf8"));
    return true;
  } catch {
    // Why not is told by `text` already.
    return false;
  }
}
