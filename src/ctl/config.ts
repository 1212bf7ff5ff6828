// config: everything about the configuration file. One verb, one small file per action.
import { suggestion } from "../base/nearest.ts";
import { printable } from "../base/printable.ts";
import { usage } from "./answer.ts";
import { check } from "./config/check.ts";
import { printSchema } from "./config/print-schema.ts";
import type { Given, Verb, World } from "./verb.ts";

/** What stands behind `config`; `given.positionals` begin behind the action's name. */
export type Action = (given: Given, world: World) => Promise<number>;

const actions: Readonly<Record<string, Action>> = { check, schema: printSchema };

export const config: Verb = {
  kind: "verb",
  name: "config",
  chapter: "Rules",
  summary: "check configuration files",
  details: [
    "check [FILE...]: every mistake with its line and column, and keys that nothing reads. Without FILE: /etc/mcr/mcr.json5 " +
      "with conf.d beside it. One FILE: that file with conf.d beside it. Several: these together, as one configuration. " +
      "Exit code 78 when something is wrong.",
    "schema: a JSON Schema of the file, for editors.",
  ],
  usesSocket: true,
  positionals: [Object.keys(actions).join("|"), "FILE..."],
  options: {},
  examples: [
    { line: "mcr-appliance config check", does: "the files that the supervisor would read now" },
    { line: "mcr-appliance config check new.json5", does: "another one, before it is used" },
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
