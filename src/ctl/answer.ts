// What every verb does with an answer: failures and refusals to standard error with an exit code, JSON as it came.
import { exitCodes } from "../base/exit.ts";
import { printable } from "../base/printable.ts";
import type { ClientFailure } from "../control/client.ts";
import type { Command, Reply } from "../control/words.ts";
import { limits } from "../limits.ts";
import type { World } from "./verb.ts";

type ReplyKey = Reply extends infer R ? (R extends unknown ? keyof R : never) : never;
type ReplyOf<K extends ReplyKey> = Extract<Reply, Record<K, unknown>>[K];

const exitOfFailure: Record<ClientFailure["kind"], number> = {
  absent: exitCodes.unavailable,
  denied: exitCodes.permission,
  timeout: exitCodes.system,
  "bad-reply": exitCodes.protocol,
  os: exitCodes.system,
};

/**
 * Asks the supervisor and shows a good answer: as pretty JSON with `--json`, otherwise as `show` renders the reply's content
 * under `key`. `waitMs`: what is asked takes longer than most. Returns the exit code.
 */
export async function askAndShow<K extends ReplyKey>(
  world: World,
  command: Command,
  key: K,
  show: (content: ReplyOf<K>) => string,
  waitMs: number = limits.replyPatienceMs,
): Promise<number> {
  const answer = await world.ask(command, { waitMs });
  if (!answer.ok) {
    world.complain(`mcr-appliance: ${answer.error.text}`);
    return exitOfFailure[answer.error.kind];
  }
  const { reply, raw } = answer.value;
  const isError = "Error" in reply;
  if (world.json) {
    world.say(JSON.stringify(raw, null, 2));
    return isError ? exitCodes.refused : exitCodes.ok;
  }
  if (isError) {
    world.complain(`mcr-appliance: ${reply.Error.split("\n").map(printable).join("\n")}`);
    return exitCodes.refused;
  }
  const content = contentOf(reply, key);
  if (content === undefined) {
    world.complain(`mcr-appliance: the supervisor answered ${Object.keys(reply).join()} where ${key} was asked for`);
    return exitCodes.protocol;
  }
  world.say(show(content));
  return exitCodes.ok;
}

/** The content under `key`; the schema has checked that what stands there is its type. */
function contentOf<K extends ReplyKey>(reply: Reply, key: K): ReplyOf<K> | undefined {
  return (reply as { [Key in ReplyKey]?: ReplyOf<Key> })[key];
}

/** A usage error found by a verb itself. */
export function usage(world: World, text: string): number {
  world.complain(`mcr-appliance: ${text}`);
  return exitCodes.usage;
}
