// Whom a worker becomes: the user `mcr` where the package made one, else `nobody`.
import { readFileSync } from "node:fs";
import { reasonOf } from "../../base/outcome.ts";

/** Numbers of a user and its group. */
export type User = { name: string; uid: number; gid: number };

const overflow: User = { name: "nobody", uid: 65_534, gid: 65_534 };

/** The first of `wanted` that /etc/passwd knows; passwd(5). A machine without that file has 65534, as the kernel does. */
export function workerUser(wanted: readonly string[] = ["mcr", "nobody"], path = "/etc/passwd"): User {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    return { ...overflow, name: `nobody (${reasonOf(thrown)})` };
  }
  const users = text.split("\n").map((line) => line.split(":"));
  for (const name of wanted) {
    const [, , uid, gid] = users.find((fields) => fields[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined && Number(uid) > 0) {
      return { name, uid: Number(uid), gid: Number(gid) };
    }
  }
  return overflow;
}
