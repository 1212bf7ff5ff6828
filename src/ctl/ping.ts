// ping: does the supervisor answer, and do its workers take orders.
import { printable } from "../base/printable.ts";
import { askAndShow } from "./answer.ts";
import type { Verb } from "./verb.ts";

export const ping: Verb = {
  name: "ping",
  chapter: "Watch",
  summary: "ask whether supervisor and workers are ready",
  usesSocket: true,
  options: {},
  examples: [{ line: "mcr-appliance ping && echo ready", does: "exit code 0 when all workers are ready" }],
  run: (_given, world) => askAndShow(world, "Ping", "Success", printable),
};
