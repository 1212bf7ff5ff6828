// config: everything about the configuration file. One verb, one small file per action.
import { suggestion } from "../base/nearest.ts";
import { printable } from "../base/printable.ts";
import { usage } from "./answer.ts";
import { apply, confirm, diff, plan, rollback } from "./config/change.ts";
import { check } from "./config/check.ts";
import { history, save, show } from "./config/keep.ts";
import { printSchema } from "./config/print-schema.ts";
import type { Given, Verb, World } from "./verb.ts";

/** What stands behind `config`; `given.positionals` begin behind the action's name. */
export type Action = (given: Given, world: World) => Promise<number>;

const actions: Readonly<Record<string, Action>> = {
  check,
  plan,
  apply,
  confirm,
  rollback,
  diff,
  save,
  show,
  history,
  schema: printSchema,
};

export const config: Verb = {
  name: "config",
  chapter: "Rules",
  summary: "check, plan, apply, roll back and save the configuration",
  details: [
    "check [FILE...]: every mistake with its line and column, and keys that nothing reads. Without FILE: /etc/mcr/mcr.json5 " +
      "with conf.d beside it. One FILE: that file with conf.d beside it. Several: these together, as one configuration. " +
      "Exit code 78 when something is wrong.",
    "plan [FILE]: what running FILE would change, rule by rule. Without FILE: the supervisor's own files as they are now.",
    "apply [FILE] [--confirm-within TIME]: makes exactly that change, in one step on all workers or not at all. Rules that do not " +
      "change lose nothing. With a time it is taken back by itself, unless 'config confirm' comes first. FILE is not saved by it.",
    "rollback [--version N]: takes back what was applied last, or runs version N again.",
    "diff: what runs against the files as they were last read. save [FILE]: writes what runs into the files, with their " +
      "comments and order, or all of it into FILE (in the folder of the configuration); --force also over files that were " +
      "changed meanwhile.",
    "show [--version N], history: what runs, what ran before, who changed it when. Versions are forgotten when the supervisor ends.",
    "schema: a JSON Schema of the file, for editors.",
  ],
  usesSocket: true,
  positionals: [Object.keys(actions).join("|"), "FILE..."],
  options: {
    "confirm-within": { value: "TIME", summary: "with 'apply': 60s, 5m or 1h to confirm in" },
    version: { value: "N", summary: "with 'show' and 'rollback'" },
    force: { summary: "with 'save'" },
  },
  examples: [
    { line: "mcr-appliance config check", does: "the files that the supervisor would read now" },
    { line: "mcr-appliance config check new.json5", does: "another one, before it is used" },
    { line: "mcr-appliance config plan new.json5", does: "what would change" },
    { line: "mcr-appliance config apply new.json5 --confirm-within 60s", does: "for a minute, unless it is confirmed" },
    { line: "mcr-appliance config save", does: "keep what runs over the next start" },
    { line: "mcr-appliance config schema > mcr.schema.json", does: "completion and checks in an editor" },
  ],
  run,
};

async function run(given: Given, world: World): Promise<number> {
  const [word, ...positionals] = given.positionals;
  const names = Object.keys(actions);
  const action = word !== undefined && Object.hasOwn(actions, word) ? actions[word] : undefined;
  if (action === undefined) {
    const said = word === undefined ? "nothing" : `'${printable(word)}'`;
    const near = word === undefined ? "" : suggestion(word, names);
    return usage(world, `'config' needs ${names.join(", ")}, not ${said}.${near} See 'mcr-appliance help config'.`);
  }
  return action({ ...given, positionals }, world);
}
