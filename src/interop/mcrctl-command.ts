// What one of mcrctl's sub-commands is: what it can be told, and the request that it sends.
import { done, type Outcome } from "../base/outcome.ts";
import type { Matched, SubCommand } from "./clap.ts";

/** The error of `request` is said as `Error: …`, exit code 1; `warn` takes lines for standard error. */
export type CtlCommand = SubCommand & {
  request: (given: Matched, warn: (text: string) => void) => Outcome<unknown>;
};

/** A sub-command without options, and the word that it sends. */
export function plain(name: string, about: string, request: string, alias?: string): CtlCommand {
  return { name, about, options: {}, request: () => done(request), ...(alias === undefined ? {} : { alias }) };
}
