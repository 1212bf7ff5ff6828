// batch: many commands as one change. Every line is judged here by the same table of options as on the command line.
import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { exitCodes } from "../base/exit.ts";
import { failed, type Outcome, reasonOf } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import { shellWords } from "../base/shell-words.ts";
import type { Batched, RuleCommand } from "../control/words.ts";
import { limits } from "../limits.ts";
import { add, addCommand } from "./add.ts";
import { askAndShow, usage } from "./answer.ts";
import { parse } from "./arguments.ts";
import { disable, enable, enableCommand } from "./enable.ts";
import { remove, removeCommand } from "./remove.ts";
import type { Given, Verb, World } from "./verb.ts";

export const batch: Verb = {
  name: "batch",
  chapter: "Rules",
  summary: "many commands as one change: all of them or none",
  details: [
    "Each line of FILE (- is standard input) is an 'add', 'remove', 'enable' or 'disable' as on the command line, without the program's name; '#' begins a " +
      "comment, quotes and backslashes work as in a shell. The lines count in their order, and workers take the result in one step: rules " +
      "that stay as they are lose nothing. Anything wrong is told with its line, everything at once, and then nothing is changed.",
    "It becomes a version of the configuration ('config history', 'config rollback'); 'config save' keeps it over the next start.",
  ],
  usesSocket: true,
  positionals: ["FILE"],
  options: {},
  examples: [
    { line: "mcr-appliance batch rules.txt", does: "what stands in a file" },
    {
      line: "printf 'disable feed-a\\nenable feed-b\\n' | mcr-appliance batch -",
      does: "one rule for another, with nothing in between",
    },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const [file] = given.positionals;
  if (file === undefined) {
    return usage(world, "'batch' needs a FILE, or - for standard input. See 'mcr-appliance help batch'.");
  }
  let text: string;
  try {
    text = file === "-" ? await textOf(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    return usage(world, `'batch' cannot read ${printable(file)}: ${printable(reasonOf(error))}`);
  }
  const { changes, problems } = readBatch(text);
  if (problems.length > 0) {
    const name = file === "-" ? "standard input" : printable(file);
    const shown = problems.slice(0, limits.configProblemsMax);
    const more = problems.length - shown.length;
    world.complain(shown.map(({ line, problem }) => `${name}:${line}: ${printable(problem)}`).join("\n"));
    world.complain(`${more > 0 ? `and ${more} more\n` : ""}mcr-appliance: nothing was changed`);
    return exitCodes.usage;
  }
  return askAndShow(world, { Batch: { changes } }, "Success", printable);
}

/** The commands of a batch, and what is wrong in which of its lines. */
export function readBatch(text: string): { changes: Batched[]; problems: { line: number; problem: string }[] } {
  const changes: Batched[] = [];
  const problems: { line: number; problem: string }[] = [];
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const words = shellWords(written);
    const command = words.ok ? (words.value.length === 0 ? undefined : commandOf(words.value)) : words;
    if (command === undefined) {
      continue;
    }
    if (command.ok) {
      changes.push({ line, ...command.value });
    } else {
      problems.push({ line, problem: command.error });
    }
  }
  if (changes.length > limits.batchChangesMax) {
    const problem = `${changes.length} commands; a batch takes at most ${limits.batchChangesMax}`;
    problems.push({ line: changes[limits.batchChangesMax]?.line ?? 1, problem });
  }
  return { changes, problems };
}

const verbs = [add, remove, enable, disable];

function commandOf(words: readonly string[]): Outcome<RuleCommand> {
  const [first = ""] = words;
  if (!verbs.some(({ name }) => name === first)) {
    return failed(
      `a line begins with ${verbs.map(({ name }) => `'${name}'`).join(", ")}, not with '${printable(first)}'`,
    );
  }
  const parsed = parse(words, verbs);
  if (!parsed.ok) {
    return parsed;
  }
  if (parsed.value.kind !== "verb") {
    return failed("help has no place in a batch");
  }
  const { verb, given } = parsed.value;
  if (given.flag("json") || given.text("socket-path") !== undefined) {
    return failed("--json and --socket-path stand behind 'batch', not in its lines");
  }
  return verb === add
    ? addCommand(given)
    : verb === remove
      ? removeCommand(given)
      : enableCommand(verb === enable ? "enable" : "disable", given);
}
