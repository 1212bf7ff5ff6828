// Bridges and whether IGMP has a querier on them: rtnetlink's IFLA_BR_MCAST_QUERIER_STATE (linux/if_link.h, Linux 5.16).
import { limits } from "../limits.ts";
import { NetlinkSocket } from "../shim/netlink.ts";
import { isFailure } from "../shim/socket.ts";
import { answerTypes, linksRequest, parseAnswer, parseAttributes, textOf } from "../supervise/kernel/netlink.ts";

const attributes = { name: 3, linkInfo: 18, kind: 1, data: 2, querierState: 47, querierAddress: 1 } as const;
const linkHeaderSize = 16;

/** Bridges by name. Before Linux 5.16 the kernel says of none that it has one. */
export function queriers(): Map<string, boolean> {
  const found = new Map<string, boolean>();
  const asker = NetlinkSocket.open();
  if (isFailure(asker)) {
    return found;
  }
  for (let reads = 0; reads < limits.linksReadsMax; reads++) {
    let isInterrupted = false;
    const refused = asker.ask(linksRequest(reads + 1), (bytes) => {
      const answer = parseAnswer(bytes, reads + 1);
      isInterrupted ||= answer.isInterrupted;
      for (const { type, body } of answer.messages) {
        const bridge = type === answerTypes.link ? parseBridge(body) : undefined;
        if (bridge !== undefined) {
          found.set(bridge.name, bridge.hasQuerier);
        }
      }
      return answer.isDone;
    });
    if (refused !== undefined || !isInterrupted) {
      break;
    }
  }
  asker.close();
  return found;
}

/** The body of an RTM_NEWLINK; undefined when it is not one of a bridge. */
export function parseBridge(body: Uint8Array): { name: string; hasQuerier: boolean } | undefined {
  const link = parseAttributes(body.subarray(linkHeaderSize));
  const info = parseAttributes(link.get(attributes.linkInfo));
  const name = textOf(link.get(attributes.name));
  if (name === undefined || textOf(info.get(attributes.kind)) !== "bridge") {
    return undefined;
  }
  // The state is left out where nobody asks; it holds an IPv4 address, be it 0.0.0.0, when IGMP has a querier.
  const state = parseAttributes(info.get(attributes.data)).get(attributes.querierState);
  return { name, hasQuerier: parseAttributes(state).has(attributes.querierAddress) };
}
