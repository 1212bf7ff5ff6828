// The table of verbs, in the order of the overview.
import { suggestion } from "../base/nearest.ts";
import { printable } from "../base/printable.ts";
import { add } from "./add.ts";
import { usage } from "./answer.ts";
import { findVerb } from "./arguments.ts";
import { batch } from "./batch.ts";
import { complete, completion } from "./completion.ts";
import { config } from "./config.ts";
import { doctor } from "./doctor.ts";
import { disable, enable } from "./enable.ts";
import { explain } from "./explain.ts";
import { overview, page } from "./help.ts";
import { init } from "./init.ts";
import { install, uninstall } from "./install.ts";
import { list } from "./list.ts";
import { logLevel } from "./log-level.ts";
import { man } from "./man.ts";
import { metrics } from "./metrics.ts";
import { ping } from "./ping.ts";
import { reload } from "./reload.ts";
import { reloadBinary } from "./reload-binary.ts";
import { remove } from "./remove.ts";
import { role } from "./role.ts";
import { gen, sink, supervise } from "./roles.ts";
import { stats } from "./stats.ts";
import { status } from "./status.ts";
import { top } from "./top.ts";
import { uci } from "./uci.ts";
import type { Verb } from "./verb.ts";
import { version } from "./version.ts";
import { workers } from "./workers.ts";

const help: Verb = {
  name: "help",
  chapter: "Help",
  summary: "show all commands, or everything about one",
  usesSocket: false,
  positionals: ["COMMAND"],
  options: {},
  examples: [{ line: "mcr-appliance help add", does: "options and examples of 'add'" }],
  run: async (given, world) => {
    const [word] = given.positionals;
    if (word === undefined) {
      world.say(overview(verbs));
      return 0;
    }
    const verb = findVerb(word, verbs);
    if (verb === undefined) {
      const near = suggestion(
        word,
        verbs.map((known) => known.name),
      );
      return usage(world, `unknown command '${printable(word)}'.${near}`);
    }
    world.say(page(verb));
    return 0;
  },
};

export const verbs: readonly Verb[] = [
  supervise,
  init,
  install(() => verbs),
  uninstall,
  uci,
  add,
  remove,
  enable,
  disable,
  batch,
  list,
  stats,
  status,
  workers,
  config,
  reload,
  reloadBinary,
  role,
  explain,
  top,
  metrics,
  doctor,
  logLevel,
  ping,
  version,
  gen,
  sink,
  help,
  completion,
  complete(() => verbs),
  man(() => verbs),
];
