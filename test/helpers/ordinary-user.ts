// An ordinary user of a network test: a number that no account has, without groups.
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./namespaces.ts";
import type { LaunchOptions } from "./relay.ts";

/** Becomes that user before the command behind it. */
export const asOrdinaryUser: readonly string[] = ["setpriv", "--reuid", "4321", "--regid", "4321", "--clear-groups"];

/** Launch options of a supervisor by that user, with these ambient rights ("+net_raw,…") and a directory that it may write to. */
export function ordinaryUserWith(lab: Lab, rights: string): Required<Pick<LaunchOptions, "under" | "socketPath">> {
  const home = join(lab.dir, "ordinary");
  mkdirSync(home, { recursive: true });
  chmodSync(lab.dir, 0o755);
  chmodSync(home, 0o777);
  return {
    under: [...asOrdinaryUser, "--inh-caps", rights, "--ambient-caps", rights],
    socketPath: join(home, "control.sock"),
  };
}
