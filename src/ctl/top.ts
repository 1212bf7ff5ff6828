// top: what happens now, on one screen, until a key ends it.
import { exitCodes } from "../base/exit.ts";
import { askAndShow, usage } from "./answer.ts";
import { tagFilter, taggedWorld, tagProblem } from "./tagged.ts";
import { keysOf } from "./top/keys.ts";
import { TopState } from "./top/state.ts";
import { Terminal } from "./top/terminal.ts";
import { view } from "./top/view.ts";
import type { Verb, World } from "./verb.ts";

export const top: Verb = {
  name: "top",
  chapter: "Watch",
  summary: "watch rules and workers live",
  details: [
    "Rates of every rule with the last minute as a curve, workers with their CPU, the newest log lines. IN counts a datagram once, " +
      "OUT once for each output; LOST is what failed, was dropped or was not taken. '!' marks a rule that is pending, or has an output that is, '-' one that is disabled.",
    "Keys: q ends, s sorts by rate, name or drops, r reverses, / filters, arrows and page keys scroll.",
  ],
  usesSocket: true,
  options: tagFilter,
  examples: [
    { line: "mcr-appliance top", does: "a live view, also over ssh" },
    { line: "mcr-appliance top --tag sport", does: "of rules with a tag" },
  ],
  run: async (given, world) => {
    const problem = tagProblem(given.texts("tag"));
    return problem === undefined ? run(taggedWorld(world, given.texts("tag"))) : usage(world, problem);
  },
};

const periodMs = 1_000;

async function run(world: World): Promise<number> {
  if (!Terminal.isThere) {
    return usage(world, "'top' needs a terminal; 'stats --watch' does not");
  }
  const first = await world.ask("GetStatus");
  if (!first.ok) {
    // Says what every verb says when nobody answers.
    return askAndShow(world, "GetStatus", "Status", () => "the supervisor has just begun to answer; try again");
  }
  const state = new TopState();
  const terminal = new Terminal();
  const ended = Promise.withResolvers<void>();
  const draw = () => terminal.show(view(state, terminal.size));
  const typed = (input: string) => {
    if (keysOf(input).some((key) => state.press(key))) {
      ended.resolve();
    }
    draw();
  };
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
    process.once(signal, () => ended.resolve());
  }
  terminal.open(typed, draw);
  const refresh = async () => {
    await take(world, state);
    draw();
  };
  try {
    await refresh();
    const timer = setInterval(() => void refresh(), periodMs);
    await ended.promise;
    clearInterval(timer);
  } finally {
    terminal.close();
  }
  return exitCodes.ok;
}

/** Asks once; what does not come leaves the old numbers, and says so. */
async function take(world: World, state: TopState): Promise<void> {
  const answer = await world.ask("GetStatus");
  if (!answer.ok) {
    state.trouble = answer.error.text;
  } else if ("Status" in answer.value.reply) {
    state.update(answer.value.reply.Status);
  }
}
