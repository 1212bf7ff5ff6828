// stats: what arrived, what left, what did not, and why.
import { exitCodes } from "../base/exit.ts";
import type { Account } from "../control/status.ts";
import type { Command } from "../control/words.ts";
import { askAndShow, usage } from "./answer.ts";
import { renderStats } from "./stats-table.ts";
import { table } from "./table.ts";
import { tagFilter, taggedWorld, tagProblem } from "./tagged.ts";
import { count } from "./units.ts";
import type { Given, Verb, World } from "./verb.ts";

export const stats: Verb = {
  name: "stats",
  chapter: "Watch",
  summary: "show datagrams, bytes and rates of every rule",
  details: [
    "Rates are over the last second. FAILED: the kernel refused the send. DROPPED: given up before. Latency is from the kernel's " +
      "timestamp of a frame to the completion of its send, sampled; a worker's is of the last minute. PAUSES: turns in which a " +
      "worker's ingress waited for its egress while frames waited in the ring; nothing is lost by it. With --json the reply has one entry a flow, as mcrctl prints " +
      "it; 'status --json' has everything.",
    "--check: received = matched + no match + refused, and matched x outputs = sent + failed + dropped + in flight. Exit code 1 " +
      "when a sum does not hold.",
  ],
  usesSocket: true,
  options: {
    watch: { summary: "again every second, until Ctrl-C" },
    ...tagFilter,
    check: { summary: "whether nothing was lost without being counted" },
  },
  examples: [
    { line: "mcr-appliance stats", does: "a table" },
    { line: "mcr-appliance stats --watch", does: "the same, every second" },
    { line: "mcr-appliance stats --tag sport", does: "only rules with a tag; what stands below is of the whole relay" },
    { line: "mcr-appliance stats --check", does: "the sums that must hold" },
  ],
  run,
};

const watchPeriodMs = 1_000;
const clearScreen = "\u001b[H\u001b[2J";

async function run(given: Given, world: World): Promise<number> {
  const isWatching = given.flag("watch");
  if (isWatching && given.flag("check")) {
    return usage(world, "--watch and --check do not go together");
  }
  const tags = given.texts("tag");
  const problem = tagProblem(tags);
  if (problem !== undefined) {
    return usage(world, problem);
  }
  if (tags.length > 0 && (given.flag("check") || world.json)) {
    return usage(
      world,
      "--tag is for the table; sums and flows are of the whole relay. 'list --tag T --json' has rules",
    );
  }
  if (given.flag("check")) {
    return check(world);
  }
  const shown = taggedWorld(world, tags);
  for (;;) {
    const isScreen = isWatching && !world.json && process.stdout.isTTY;
    const code = world.json
      ? await askAndShow(world, "GetStats", "Stats", () => "")
      : await askAndShow(shown, "GetStatus", "Status", (now) => `${isScreen ? clearScreen : ""}${renderStats(now)}`);
    if (!isWatching || code !== exitCodes.ok) {
      return code;
    }
    await Bun.sleep(watchPeriodMs);
  }
}

async function check(world: World): Promise<number> {
  let holds = true;
  const command: Command = "CheckCounters";
  const listening: World = {
    ...world,
    ask: async (asked) => {
      const answer = await world.ask(asked);
      if (answer.ok && "Accounts" in answer.value.reply) {
        holds = answer.value.reply.Accounts.every((account) => account.holds);
      }
      return answer;
    },
  };
  const code = await askAndShow(listening, command, "Accounts", renderAccounts);
  return code === exitCodes.ok && !holds ? exitCodes.refused : code;
}

/** Each sum with its numbers, and whether it holds. */
export function renderAccounts(accounts: readonly Account[]): string {
  const rows = accounts.map((account) => {
    const parts = Object.entries(account.parts).map(([name, value]) => `${count(value)} ${name.replaceAll("_", " ")}`);
    const exactly = account.difference === 0 ? "holds" : `holds within ${count(account.tolerance)}`;
    const verdict = account.holds ? exactly : `DOES NOT HOLD: ${count(account.difference)} unaccounted for`;
    return [String(account.worker), `${count(account.total)} ${account.whole}`, `= ${parts.join(" + ")}`, verdict];
  });
  const columns = [
    { head: "WORKER", align: "right" },
    { head: "COUNTED" },
    { head: "ACCOUNTED FOR" },
    { head: "" },
  ] as const;
  return table(columns, rows);
}
