// Whether the datagrams of a rule may end after the tap. The default never takes anything from another function of this host:
// whatever could want them keeps them coming, and the answer says what that is. Pure.
import { formatIpv4, isMulticast, parseIpv4 } from "../../base/ipv4.ts";
import { isRanged } from "../../rules/precedence.ts";
import { portsOf } from "../../rules/range.ts";
import { protocols, type Rule } from "../../rules/schema.ts";
import type { Link } from "../kernel/links.ts";
import type { BoundSocket } from "../kernel/socket-diag.ts";
import { groupKey, type Listeners } from "./listeners.ts";

/** What is known about an input link beside the link itself. */
export type LinkUse = {
  /** The name of the bridge, bond or the like that takes all its frames, if there is one. */
  takenBy?: string | undefined;
  /** net.ipv4.conf.LINK.mc_forwarding and .forwarding: whether what arrives there may be routed on. */
  forwardsMulticast: boolean;
  forwardsUnicast: boolean;
};

/** What a verdict rests on. `addresses`: every IPv4 address of this machine, host order. */
export type Facts = { listeners: Listeners; useOf: (link: Link) => LinkUse; addresses: ReadonlySet<number> };

const etherIpv4 = 0x0800;
/** Link kinds on top of another link that take frames before the IP stack does; linux/if_link.h, IFLA_INFO_KIND. */
const takingKinds: readonly string[] = ["macvlan", "macvtap", "ipvlan", "ipvtap"];

/** Why the datagrams of `rule`, which arrive on `link`, go on to this host; undefined: they end after the tap. */
export function reasonToPass(rule: Rule, link: Link, facts: Facts): string | undefined {
  if (isRanged(rule)) {
    return "it names more than one address, port or link, and only single ones are looked up at tc ingress";
  }
  if (rule.exclusive !== undefined) {
    return rule.exclusive ? undefined : "the rule says that it is not exclusive";
  }
  const use = facts.useOf(link);
  if (use.takenBy !== undefined) {
    return `${use.takenBy} takes the frames of ${link.name} too`;
  }
  if (rule.input_protocol === protocols.esp) {
    return "it may be for IPsec of this host";
  }
  const address = parseIpv4(rule.input_group) ?? 0;
  return listenerReason(rule, address, link, facts) ?? routingReason(address, link, use, facts);
}

function listenerReason(rule: Rule, address: number, link: Link, { listeners }: Facts): string | undefined {
  const isOther = ({ inode }: { inode: number }) => !listeners.isOwn(inode);
  const hears = (socket: BoundSocket) => (socket.address === 0 || socket.address === address) && isOther(socket);
  const where = `${rule.input_group}:${rule.input_port}`;
  if (listeners.udp.get(portsOf(rule.input_port).first)?.some(hears)) {
    return `another program of this host is bound to ${where}`;
  }
  if (!isMulticast(address) && listeners.transparent.some(isOther)) {
    return `another program of this host has a transparent socket, which a TPROXY rule may hand ${where} to`;
  }
  if (listeners.raw.get(rule.input_protocol)?.some(hears)) {
    return `another program of this host has a raw socket that takes ${where}`;
  }
  if (isMulticast(address) && listeners.joined.has(groupKey(link.index, address))) {
    return `another program of this host has joined ${rule.input_group} on ${link.name}`;
  }
  const isBehind = (linkIndex: number) => linkIndex === 0 || linkIndex === link.index;
  // Taps for all protocols come before tc ingress, those for IPv4 alone behind it.
  if (listeners.packet.some((tap) => tap.protocol === etherIpv4 && isBehind(tap.linkIndex) && isOther(tap))) {
    return `another program of this host taps the IPv4 of ${link.name}`;
  }
  return undefined;
}

function routingReason(address: number, link: Link, use: LinkUse, facts: Facts): string | undefined {
  if (isMulticast(address)) {
    // Whatever its table says now: a routing daemon learns of new senders from the very datagrams.
    return use.forwardsMulticast ? `the kernel routes multicast that arrives on ${link.name}` : undefined;
  }
  return use.forwardsUnicast && !facts.addresses.has(address)
    ? `${formatIpv4(address)} is no address of this host, and the kernel routes what arrives on ${link.name}`
    : undefined;
}

/** What takes the frames of `link` before the IP stack: its master, unless that is a VRF, or a link that shares its wire. */
export function takerOf(link: Link, links: ReadonlyMap<string, Link>): string | undefined {
  const all = [...links.values()];
  const master = all.find(({ index }) => index === link.masterIndex);
  if (link.masterIndex !== 0 && master?.kind !== "vrf") {
    return master?.name ?? `link ${link.masterIndex}`;
  }
  return all.find(({ lowerIndex, kind = "" }) => lowerIndex === link.index && takingKinds.includes(kind))?.name;
}
