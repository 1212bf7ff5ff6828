// Who else on this machine wants datagrams that rules consume: sockets and memberships that are not ours, as /proc/net tells
// (proc_pid_net(5)). Nothing in Linux rings when a socket is bound or a group joined, so this is looked at again and again.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { swap } from "../../base/byte-order.ts";
import { codeOf } from "../../base/outcome.ts";
import { type BoundSocket, SocketDiag } from "../kernel/socket-diag.ts";

/** An AF_PACKET socket: the EtherType it takes and the link it is bound to (0: all). */
export type PacketSocket = { protocol: number; linkIndex: number; inode: number };

/** What was found at one look; sockets by port, or by protocol for raw ones. */
export type Listeners = {
  udp: ReadonlyMap<number, readonly BoundSocket[]>;
  raw: ReadonlyMap<number, readonly BoundSocket[]>;
  /** UDP sockets of any port that a TPROXY rule may hand datagrams to. */
  transparent: readonly BoundSocket[];
  packet: readonly PacketSocket[];
  /** Groups that sockets of others have joined, as groupKey() writes them. */
  joined: ReadonlySet<string>;
  /** Whether a socket is this process's own. */
  isOwn: (inode: number) => boolean;
};

/** A group on a link, as text. */
export function groupKey(linkIndex: number, group: number): string {
  return `${linkIndex} ${group}`;
}

/** Looks again and again. What did not change since the last look is the same object: who compares has nothing to do. */
export class ListenerLook {
  private diag: SocketDiag | undefined = SocketDiag.open();
  private memberships = { text: "", users: new Map<string, number>() as ReadonlyMap<string, number> };
  private last: { signature: string; listeners: Listeners } | undefined;

  /**
   * Who else listens now. `own`: by groupKey, how many sockets of this process hold a group; `ports`: the UDP ports that
   * matter. Throws when /proc cannot be read.
   */
  look(own: ReadonlyMap<string, number>, ports: ReadonlySet<number>): Listeners {
    const udp = this.udpSockets(ports);
    const raw = parseSockets(read("/proc/net/raw"));
    const packet = parsePacketSockets(read("/proc/net/packet"));
    const joined = joinedByOthers(this.usersNow(), own);
    const signature = JSON.stringify([udp, raw, packet, [...joined]]);
    if (this.last?.signature !== signature) {
      this.last = { signature, listeners: listenersOf(udp, raw, packet, joined) };
    }
    return this.last.listeners;
  }

  close(): void {
    this.diag?.close();
    this.diag = undefined;
  }

  private udpSockets(ports: ReadonlySet<number>): BoundSocket[] {
    return (
      this.diag?.udp(ports, hasIpv6Sockets(read("/proc/net/sockstat6"))) ??
      [...parseSockets(read("/proc/net/udp")), ...parseSockets(read("/proc/net/udp6"))].filter(({ port }) =>
        ports.has(port),
      )
    );
  }

  private usersNow(): ReadonlyMap<string, number> {
    const text = read("/proc/net/igmp");
    if (text !== this.memberships.text) {
      this.memberships = { text, users: parseMemberships(text) };
    }
    return this.memberships.users;
  }
}

function listenersOf(
  udp: readonly BoundSocket[],
  raw: readonly BoundSocket[],
  packet: readonly PacketSocket[],
  joined: ReadonlySet<string>,
): Listeners {
  let inodes: ReadonlySet<number> | undefined;
  return {
    udp: Map.groupBy(udp, (socket) => socket.port),
    transparent: udp.filter(({ isTransparent }) => isTransparent === true),
    raw: Map.groupBy(raw, (socket) => socket.port),
    packet,
    joined,
    // Only asked when something was found: a relay may hold thousands of descriptors.
    isOwn: (inode) => {
      inodes ??= ownInodes();
      return inodes?.has(inode) === true;
    },
  };
}

/** Groups with more users than ours. */
export function joinedByOthers(users: ReadonlyMap<string, number>, own: ReadonlyMap<string, number>): Set<string> {
  const joined = new Set<string>();
  for (const [key, count] of users) {
    if (count > (own.get(key) ?? 0)) {
      joined.add(key);
    }
  }
  return joined;
}

/** The lines of /proc/net/udp, udp6 or raw; addresses of IPv6 that no IPv4 datagram reaches are left out. */
export function parseSockets(text: string): BoundSocket[] {
  return text.split("\n").flatMap((line) => {
    const [, local = "", , , , , , , , inode] = line.trim().split(/\s+/);
    const [addressText = "", port] = local.split(":");
    const address = parseAddress(addressText);
    return port === undefined || inode === undefined || address === undefined
      ? []
      : [{ address, port: Number.parseInt(port, 16), inode: Number(inode) }];
  });
}

/** Whether any UDP socket of IPv6 is bound, as /proc/net/sockstat6 counts them: each look at them walks past all those of IPv4 too. */
export function hasIpv6Sockets(text: string): boolean {
  return !/^UDP6: inuse 0$/m.test(text);
}

/** The lines of /proc/net/packet. */
export function parsePacketSockets(text: string): PacketSocket[] {
  return text.split("\n").flatMap((line) => {
    const [, , , protocol = "", linkIndex, , , , inode] = line.trim().split(/\s+/);
    return inode === undefined || !/^[0-9a-f]{4}$/i.test(protocol)
      ? []
      : [{ protocol: Number.parseInt(protocol, 16), linkIndex: Number(linkIndex), inode: Number(inode) }];
  });
}

/** How many sockets hold each group, by groupKey, from /proc/net/igmp: a line a link, an indented one for each of its groups. */
export function parseMemberships(text: string): Map<string, number> {
  const users = new Map<string, number>();
  let linkIndex = 0;
  for (const line of text.split("\n")) {
    const link = /^(\d+)\t/.exec(line);
    const group = /^\s+([0-9A-F]{8})\s+(\d+)/.exec(line);
    if (link !== null) {
      linkIndex = Number(link[1]);
    } else if (group !== null) {
      users.set(groupKey(linkIndex, swap(Number.parseInt(group[1] ?? "", 16))), Number(group[2]));
    }
  }
  return users;
}

const anyIpv6 = "0".repeat(32);
const mappedIpv4 = "0000000000000000FFFF0000";

/** The IPv4 address, 0 for any, of an address as the kernel prints it: words in the byte order of the host. */
function parseAddress(text: string): number | undefined {
  if (text === anyIpv6) {
    return 0;
  }
  const last = text.startsWith(mappedIpv4) ? text.slice(mappedIpv4.length) : text;
  return /^[0-9A-F]{8}$/.test(last) ? swap(Number.parseInt(last, 16)) : undefined;
}

/** The text of a file; of one that is not there (a kernel without IPv6, without multicast) none. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") {
      return "";
    }
    throw thrown;
  }
}

/** Undefined when there is no descriptor to look with: then a socket counts as another program's, which takes nothing from it. */
function ownInodes(): Set<number> | undefined {
  const fds = ownDescriptors();
  if (fds === undefined) {
    return undefined;
  }
  const inodes = new Set<number>();
  for (const fd of fds) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${fd}`))?.[1];
    if (inode !== undefined) {
      inodes.add(Number(inode));
    }
  }
  return inodes;
}

function ownDescriptors(): string[] | undefined {
  try {
    return readdirSync("/proc/self/fd");
  } catch (thrown) {
    if (codeOf(thrown) === "EMFILE" || codeOf(thrown) === "ENFILE") {
      return undefined;
    }
    throw thrown;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (thrown) {
    // The descriptor that the list was read through is closed by now.
    return codeOf(thrown) ?? "";
  }
}
