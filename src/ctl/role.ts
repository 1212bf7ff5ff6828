// role: of two routers with the same rules one sends, and the other waits, joined and warm, to take over.
import { printable } from "../base/printable.ts";
import { roles } from "../control/status.ts";
import { askAndShow, usage } from "./answer.ts";
import type { Verb } from "./verb.ts";

export const role: Verb = {
  name: "role",
  chapter: "Rules",
  summary: "let this router send, or stand by for another that does",
  details: [
    "On standby every group stays joined and every worker runs, but no output has a socket: nothing leaves. 'role active' opens the sockets and " +
      "returns when all workers send; there is no join to wait for. Without a ROLE it says which it is. keepalived calls it (appliance/keepalived).",
    "The role is not part of the configuration, and a supervisor starts with that of its --role.",
  ],
  usesSocket: true,
  positionals: [roles.join("|")],
  options: {},
  examples: [
    { line: "mcr-appliance role", does: "which it is" },
    { line: "mcr-appliance role standby", does: "send nothing until further notice" },
  ],
  run: (given, world) => {
    const [word, more] = given.positionals;
    if (word === undefined) {
      return askAndShow(world, "GetStatus", "Status", (status) => status.role ?? "active");
    }
    const wanted = roles.find((known) => known === word);
    if (wanted === undefined || more !== undefined) {
      return Promise.resolve(usage(world, `'role' takes ${roles.join(" or ")}, not '${printable(more ?? word)}'`));
    }
    return askAndShow(world, { SetRole: { role: wanted } }, "Success", printable);
  },
};
