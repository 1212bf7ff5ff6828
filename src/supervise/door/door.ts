// The control socket as the supervisor opens it: for whom, with what record, and what it says when it cannot.
import { exitCodes } from "../../base/exit.ts";
import { done, failed, type Outcome } from "../../base/outcome.ts";
import type { Handler } from "../../control/connection.ts";
import { type ControlServer, type ListeningSocket, openControlServer } from "../../control/server.ts";
import { shareSocket } from "../../control/socketfile.ts";
import { limits } from "../../limits.ts";
import type { Log } from "../../log/forward.ts";
import { compact } from "../../rules/fields.ts";
import { filesMax } from "../../shim/process.ts";
import type { SuperviseOptions } from "../start/options.ts";
import type { Refusal } from "../start/requirements.ts";
import { accessPolicy } from "./access.ts";
import { type Witness, withAuthority } from "./authority.ts";

const serverCodes = { "in-use": exitCodes.unavailable, denied: exitCodes.permission, os: exitCodes.system } as const;

/** `inherited`: the socket of the supervisor before us. */
export type Door = { handle: Handler; rulesOf: Witness["rulesOf"]; inherited: ListeningSocket | undefined };

/** Opens it for root, our own user, the group mcr and, to look, `options.readGroup`. */
export async function openDoor(
  options: SuperviseOptions,
  log: Log,
  { handle, rulesOf, inherited }: Door,
): Promise<Outcome<ControlServer, Refusal>> {
  const policy = accessPolicy(process.geteuid?.() ?? 0, options.readGroup);
  if (!policy.ok) {
    return failed({ code: exitCodes.usage, text: policy.error });
  }
  const path = options.controlSocketPath;
  const server = await openControlServer({
    path,
    policy: policy.value,
    handle: withAuthority(handle, { log, rulesOf }),
    ...compact({ inherited }),
    // Where descriptors are few, clients leave them to outputs and captures.
    limits: { clientsMax: Math.min(limits.clientsMax, Math.max(64, filesMax() >> 2)) },
  });
  if (!server.ok) {
    return failed({ code: serverCodes[server.error.kind], text: server.error.text });
  }
  const unshared = shareSocket(path, policy.value);
  if (unshared !== undefined) {
    log.say("Warning", unshared);
  }
  return done(server.value);
}
