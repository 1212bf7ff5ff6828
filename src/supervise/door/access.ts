// Who may use the control socket: from names of groups to numbers; group(5).
import { readFileSync } from "node:fs";
import { done, failed, type Outcome, reasonOf } from "../../base/outcome.ts";
import { printable } from "../../base/printable.ts";
import type { AccessPolicy } from "../../control/peers.ts";

/** Members of this group may change what the relay does, where the machine has it. */
const changeGroupName = "mcr";

/** The policy for a supervisor that runs as `uid`; refuses a group of readers that does not exist. */
export function accessPolicy(uid: number, readGroup: string | undefined, path = "/etc/group"): Outcome<AccessPolicy> {
  let text = "";
  let unread = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    unread = ` (${reasonOf(thrown)})`;
  }
  const numbers = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [name, , number] = line.split(":");
    if (name !== undefined && number !== undefined && /^[0-9]+$/.test(number)) {
      numbers.set(name, Number(number));
    }
  }
  const changeNumber = numbers.get(changeGroupName);
  const policy = { uid, ...(changeNumber === undefined ? {} : { changeGroup: changeNumber }) };
  if (readGroup === undefined) {
    return done(policy);
  }
  const readNumber = numbers.get(readGroup);
  return readNumber === undefined
    ? failed(`--read-group: ${path} has no group '${printable(readGroup)}'${unread}; make it with 'groupadd'`)
    : done({ ...policy, readGroup: readNumber });
}
