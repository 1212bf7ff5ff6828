// Who may do what over the control socket, and the record of who changed what.
import type { Handler } from "../../control/connection.ts";
import { isChange, nameOf } from "../../control/peers.ts";
import type { Command } from "../../control/words.ts";
import { limits } from "../../limits.ts";
import type { Log } from "../../log/forward.ts";
import type { Fields, Level } from "../../log/record.ts";
import type { Rule } from "../../rules/schema.ts";

/** What is needed to write the record. */
export type Witness = {
  log: Pick<Log, "say">;
  /** The rules that a command may change, as they stand now, by id. */
  rulesOf: (command: Command) => ReadonlyMap<string, Rule>;
};

/**
 * `handle` behind a door: clients that may only read get an error for a change, and every change, done or refused, is in the log with
 * uid, pid and each rule before and after. Changes happen one at a time, so that what stood before is what was changed.
 */
export function withAuthority(handle: Handler, { log, rulesOf }: Witness): Handler {
  let last: Promise<unknown> = Promise.resolve();
  return (command, client) => {
    if (!isChange(command)) {
      return handle(command, client);
    }
    const name = nameOf(command);
    const who = client.peer === undefined ? {} : { uid: client.peer.uid, pid: client.peer.pid };
    const say = (level: Level, fields: Fields) => log.say(level, `asked to change: ${name}`, { ...who, ...fields });
    // Asked for only where it is said: a batch is megabytes.
    const given = () => JSON.stringify(command).slice(0, limits.recordTextMax);
    if (client.access !== "change") {
      say("Warning", { outcome: "not permitted", given: given() });
      const text = `${name} changes the relay, and you may only read. Run it as root or as a member of the group mcr.`;
      return Promise.resolve({ Error: text });
    }
    // Who wants another program waits for nobody here: that one waits until everybody is answered (succession.ts).
    const turn = (command === "ReloadBinary" ? Promise.resolve() : last).then(async () => {
      const before = rulesOf(command);
      const reply = await handle(command, client);
      const changes = "Error" in reply ? [] : changesOf(before, rulesOf(command));
      if (changes.length === 0) {
        say("Notice", { outcome: "Error" in reply ? reply.Error : "done", given: given() });
      }
      for (const [was, is] of changes.slice(0, limits.recordRulesMax)) {
        say("Notice", {
          outcome: "done",
          ...(was === undefined ? {} : { before: JSON.stringify(was) }),
          ...(is === undefined ? {} : { after: JSON.stringify(is) }),
        });
      }
      if (changes.length > limits.recordRulesMax) {
        say("Notice", { outcome: "done", more: changes.length - limits.recordRulesMax });
      }
      return reply;
    });
    last = command === "ReloadBinary" ? last : turn.catch(() => undefined);
    return turn;
  };
}

/** Each rule that came, went or is another now: before and after. */
function changesOf(before: ReadonlyMap<string, Rule>, after: ReadonlyMap<string, Rule>) {
  const ids = new Set([...before.keys(), ...after.keys()]);
  return [...ids].map((id) => [before.get(id), after.get(id)] as const).filter(([was, is]) => was !== is);
}
