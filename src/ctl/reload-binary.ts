// reload-binary: the supervisor becomes the program that is on disk now. The same as SIGUSR2, with an answer.
import { printable } from "../base/printable.ts";
import { limits } from "../limits.ts";
import { askAndShow } from "./answer.ts";
import type { Verb } from "./verb.ts";

export const reloadBinary: Verb = {
  name: "reload-binary",
  chapter: "Run",
  summary: "let the program on disk take over from the running one, without losing a datagram",
  details: [
    "For an upgrade: put the new file in place of the old one (with mv or install, which replace it), then run this. The new program first tries in a process of " +
      "its own whether it can: what it finds wrong is said, and nothing changes. Then it takes over rules, counters, sockets " +
      "and workers; the supervisor's process id stays. Also as SIGUSR2.",
    "Workers are relieved one after the other, each when its successor is born: some 0.3 s a worker. Other commands are answered behind that.",
    "Rules that were added and not saved stay, as does what waits for 'config confirm'. Options are those of the start.",
  ],
  usesSocket: true,
  options: {},
  examples: [{ line: "mcr-appliance reload-binary", does: "after the file was replaced; says how long flows waited" }],
  run: (_, world) => askAndShow(world, "ReloadBinary", "Success", printable, limits.takeoverPatienceMs),
};
