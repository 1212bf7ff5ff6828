// reload: the configuration files, read again. The same as SIGHUP, with an answer.

import { askAndShow } from "./answer.ts";
import { reloadCommand, showApplied } from "./config/change.ts";
import type { Verb } from "./verb.ts";

export const reload: Verb = {
  name: "reload",
  chapter: "Rules",
  summary: "read the configuration files again and run what they say",
  details: [
    "Rules that did not change lose nothing. What was added or removed by command and not saved is gone: 'mcr-appliance " +
      "config diff' shows it before. When anything is wrong with the files, nothing changes.",
  ],
  usesSocket: true,
  options: {},
  examples: [{ line: "mcr-appliance reload", does: "what 'systemctl reload' does" }],
  run: (_, world) => askAndShow(world, reloadCommand, "Plan", showApplied),
};
