// mcrctl's sub-commands for routing protocols and events (INTEROP.md 1.2). This daemon answers all but `mroute` with an Error;
// MCR's own daemon, at the other end of the socket, carries them out.
import { done, failed } from "../base/outcome.ts";
import type { Options } from "./clap.ts";
import { type CtlCommand, plain } from "./mcrctl-command.ts";
import { events, must, number, text } from "./mcrctl-options.ts";
import { ipv4, u32 } from "./values.ts";

const link = { value: "INTERFACE", about: "Network interface", required: true } as const;
const address = { value: "ADDRESS", about: "IPv4 address", required: true, check: ipv4 } as const;
const source = { value: "SOURCE", about: "IPv4 address of a source", required: true, check: ipv4 } as const;

/** A sub-command with options, of which a struct is made. */
function struct(
  name: string,
  about: string,
  options: Options,
  request: (given: Parameters<CtlCommand["request"]>[0]) => unknown,
): CtlCommand {
  return { name, about, options, request: (given) => done(request(given)) };
}

const pim: readonly CtlCommand[] = [
  plain("pim neighbors", "List PIM neighbors", "GetPimNeighbors"),
  struct(
    "pim enable",
    "Enable PIM on an interface",
    { interface: link, "dr-priority": { value: "N", about: "DR priority", default: "1", check: u32 } },
    (given) => ({
      EnablePim: { interface: must(given, "interface"), dr_priority: number(given, "dr-priority") ?? 1 },
    }),
  ),
  struct("pim disable", "Disable PIM on an interface", { interface: link }, (given) => ({
    DisablePim: { interface: must(given, "interface") },
  })),
  struct(
    "pim set-rp",
    "Set a static RP for a group prefix",
    { group: { value: "PREFIX", about: "Group prefix", required: true }, rp: address },
    (given) => ({ SetStaticRp: { group_prefix: must(given, "group"), rp_address: must(given, "rp") } }),
  ),
  struct("pim set-rp-address", "Set this router's RP address", { address }, (given) => ({
    SetRpAddress: { address: must(given, "address") },
  })),
  struct(
    "pim add-neighbor",
    "Add an external neighbor",
    {
      address,
      interface: link,
      priority: { value: "N", about: "DR priority", check: u32 },
      tag: { value: "TAG", about: "Who says so" },
    },
    (given) => ({
      AddExternalNeighbor: {
        neighbor: {
          address: must(given, "address"),
          interface: must(given, "interface"),
          dr_priority: number(given, "priority") ?? null,
          tag: text(given, "tag") ?? null,
        },
      },
    }),
  ),
  struct("pim remove-neighbor", "Remove an external neighbor", { address, interface: link }, (given) => ({
    RemoveExternalNeighbor: { address: must(given, "address"), interface: must(given, "interface") },
  })),
  plain("pim external-neighbors", "List external neighbors", "ListExternalNeighbors"),
  struct(
    "pim clear-neighbors",
    "Remove all external neighbors",
    { interface: { value: "INTERFACE", about: "Only those of this interface" } },
    (given) => ({ ClearExternalNeighbors: { interface: text(given, "interface") ?? null } }),
  ),
];

const rpf: readonly CtlCommand[] = [
  struct(
    "pim set-rpf",
    "Choose where RPF information comes from",
    { provider: { value: "PROVIDER", about: "disabled, static or the path of a socket", required: true } },
    (given) => ({ SetRpfProvider: { provider: providerOf(must(given, "provider")) } }),
  ),
  plain("pim get-rpf", "Show where RPF information comes from", "GetRpfProvider"),
  struct("pim query-rpf", "Ask for the RPF information of a source", { source }, (given) => ({
    QueryRpf: { source: must(given, "source") },
  })),
  struct(
    "pim add-rpf-route",
    "Add a static RPF route",
    {
      source,
      interface: link,
      neighbor: { value: "ADDRESS", about: "Upstream neighbor", check: ipv4 },
      metric: { value: "N", about: "Metric", check: u32 },
    },
    (given) => ({
      AddRpfRoute: {
        source: must(given, "source"),
        rpf: {
          upstream_interface: must(given, "interface"),
          upstream_neighbor: text(given, "neighbor") ?? null,
          metric: number(given, "metric") ?? null,
        },
      },
    }),
  ),
  struct("pim remove-rpf-route", "Remove a static RPF route", { source }, (given) => ({
    RemoveRpfRoute: { source: must(given, "source") },
  })),
  plain("pim list-rpf-routes", "List static RPF routes", "ListRpfRoutes"),
  plain("pim clear-rpf-routes", "Remove all static RPF routes", "ClearRpfRoutes"),
];

function providerOf(text: string): unknown {
  const words: Record<string, string> = { disabled: "Disabled", static: "Static" };
  return words[text.toLowerCase()] ?? { External: { socket_path: text } };
}

const igmp: readonly CtlCommand[] = [
  plain("igmp groups", "List IGMP groups", "GetIgmpGroups"),
  struct("igmp enable-querier", "Enable the IGMP querier on an interface", { interface: link }, (given) => ({
    EnableIgmpQuerier: { interface: must(given, "interface") },
  })),
  struct("igmp disable-querier", "Disable the IGMP querier on an interface", { interface: link }, (given) => ({
    DisableIgmpQuerier: { interface: must(given, "interface") },
  })),
];

const msdp: readonly CtlCommand[] = [
  plain("msdp peers", "List MSDP peers", "GetMsdpPeers"),
  plain("msdp sa-cache", "Show the SA cache", "GetMsdpSaCache"),
  struct(
    "msdp add-peer",
    "Add an MSDP peer",
    {
      address,
      description: { value: "DESCRIPTION", about: "What it is" },
      "mesh-group": { value: "MESH_GROUP", about: "Its mesh group" },
      "default-peer": { about: "Take it as the default peer" },
    },
    (given) => ({
      AddMsdpPeer: {
        address: must(given, "address"),
        ...{ description: text(given, "description") ?? null, mesh_group: text(given, "mesh-group") ?? null },
        default_peer: given.has("default-peer"),
      },
    }),
  ),
  struct("msdp remove-peer", "Remove an MSDP peer", { address }, (given) => ({
    RemoveMsdpPeer: { address: must(given, "address") },
  })),
  plain("msdp clear-sa-cache", "Clear the SA cache", "ClearMsdpSaCache"),
];

const eventsDefault = "igmp,pim-neighbor,pim-route,msdp";

const subscribe: CtlCommand = {
  name: "subscribe",
  about: "Follow events of the routing protocols",
  options: { events: { value: "EVENTS", about: "Names, comma-separated", default: eventsDefault } },
  request: (given, warn) => {
    const { known, unknown } = events(text(given, "events") ?? eventsDefault);
    for (const name of unknown) {
      warn(`Warning: unknown event type '${name}'`);
    }
    return known.length === 0
      ? failed("No valid event types: use igmp, pim-neighbor, pim-route, msdp")
      : done({ Subscribe: { events: known } });
  },
};

/** In the order of the help. */
export const routingCommands: readonly CtlCommand[] = [
  ...pim,
  ...rpf,
  ...igmp,
  ...msdp,
  plain("mroute", "Show the multicast routing table", "GetMroute"),
  subscribe,
];
