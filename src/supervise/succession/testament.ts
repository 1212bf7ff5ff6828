// Puts the will together: everything at one moment, in which nothing else runs.
import { programVersion } from "../../base/version.ts";
import type { ListeningSocket } from "../../control/server.ts";
import { layoutText } from "../../relay/counters.ts";
import { compact } from "../../rules/fields.ts";
import type { House } from "../house.ts";
import type { PlaceWill, Will } from "./will.ts";

/** What the house does not hold. `places` is Workers.bequest; `client` the descriptor of who waits for an answer. */
export type Beside = {
  hasOwnIpc: boolean;
  socket: ListeningSocket;
  client: number | undefined;
  places: PlaceWill[];
};

/** What a successor gets. */
export function testament(house: House, { hasOwnIpc, socket, client, places }: Beside): Omit<Will, "format"> {
  const { captures, configuration, ending, levels, memberships, outputs, rejoin, relaying, stats } = house;
  return {
    version: programVersion,
    layout: layoutText(),
    hasOwnIpc,
    startedMs: stats.uptime.startedMs,
    role: outputs.role,
    levels: levels.choice(),
    socket: { fd: socket.fd, ...compact({ identity: socket.identity }) },
    ...compact({ client }),
    places,
    captures: captures.bequest,
    rules: relaying.book.bequest,
    memberships: memberships.bequest,
    ending: ending.bequest,
    rejoin: rejoin.bequest,
    configuration: configuration.bequest,
  };
}
