// What may stand where the cursor is: pure, from the words so far and the table of verbs. Values that only this machine or the
// supervisor knows are named by their placeholder, for candidates.ts to find.

import { findVerb, verbIndex } from "../arguments.ts";
import { type OptionSpec, socketOptions, type Verb } from "../verb.ts";

/** A word, and what it is for. */
export type Candidate = { word: string; summary: string };

/**
 * Words known from the table; or a value: its placeholder in the table (`INTERFACE`, `a|b`), as much of it as is typed, and what
 * stands before it in the same word (`--name=`).
 */
export type Wish =
  | { kind: "words"; candidates: Candidate[] }
  | { kind: "value"; placeholder: string; typed: string; before: string };

const helpOption: Readonly<Record<string, OptionSpec>> = { help: { summary: "options and examples" } };

/** What fits behind `words`, of which the last is the one that is being typed, be it empty. */
export function wishOf(words: readonly string[], verbs: readonly Verb[]): Wish {
  const typed = words.at(-1) ?? "";
  const earlier = words.slice(0, -1);
  const at = verbIndex(earlier);
  const verb = at < 0 ? undefined : findVerb(earlier[at] ?? "", verbs);
  if (at >= 0 && verb === undefined) {
    return { kind: "words", candidates: [] };
  }
  const options = { ...verb?.options, ...(verb?.usesSocket === false ? {} : socketOptions), ...helpOption };
  const behind = specOf(earlier.at(-1) ?? "", options);
  if (behind?.value !== undefined) {
    return { kind: "value", placeholder: behind.value, typed, before: "" };
  }
  const [name = "", ...rest] = typed.split("=");
  const within = rest.length === 0 ? undefined : specOf(name, options);
  if (within?.value !== undefined) {
    return { kind: "value", placeholder: within.value, typed: rest.join("="), before: `${name}=` };
  }
  if (typed.startsWith("-")) {
    return { kind: "words", candidates: optionsOf(options, earlier) };
  }
  if (verb !== undefined) {
    return { kind: "value", placeholder: placeOf(verb, options, earlier.slice(at + 1)), typed, before: "" };
  }
  const shown = verbs.filter(({ hidden }) => hidden !== true);
  return { kind: "words", candidates: shown.map((each) => ({ word: each.name, summary: each.summary })) };
}

/** The placeholder of the positional argument that comes next; empty when none does. */
function placeOf(verb: Verb, options: Readonly<Record<string, OptionSpec>>, given: readonly string[]): string {
  let count = 0;
  for (let index = 0; index < given.length; index++) {
    const word = given[index] ?? "";
    if (!word.startsWith("-") || word === "-") {
      count++;
    } else if (specOf(word, options)?.value !== undefined) {
      index++;
    }
  }
  const places = verb.positionals ?? [];
  const last = places.at(-1);
  return places[count] ?? (last?.endsWith("...") === true ? last : "");
}

function specOf(word: string, options: Readonly<Record<string, OptionSpec>>): OptionSpec | undefined {
  const name = word.startsWith("--") ? word.slice(2) : "";
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

/** Options that may still come. */
function optionsOf(options: Readonly<Record<string, OptionSpec>>, given: readonly string[]): Candidate[] {
  const isGiven = (name: string) => given.some((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  return Object.entries(options)
    .filter(([name, { multiple }]) => multiple === true || !isGiven(name))
    .map(([name, { summary }]) => ({ word: `--${name}`, summary }));
}
