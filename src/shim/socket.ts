// UDP sockets by descriptor: the few calls that Bun cannot make. The numbers of socket options live here and in capture.ts
// alone. What the kernel refuses comes back as a value; nothing here throws.
import { errnoName } from "./errno.ts";
import { shim } from "./library.ts";
import { type Mapped, text } from "./memory.ts";

/** What the kernel refused: the step as a man page names it, and a positive errno. */
export type Failure = { step: string; errno: number };

/** Tells a failure from a result; results are numbers, undefined or objects without `step`. */
export function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "step" in value && "errno" in value;
}

/** "bind: EADDRNOTAVAIL". */
export function failureText(failure: Failure): string {
  return `${failure.step}: ${errnoName(failure.errno)}`;
}

/** The shim's answer as a value: a number from 0 up, or the failure of `step`. */
export function outcomeOf(step: string, result: number): number | Failure {
  return result < 0 ? { step, errno: -result } : result;
}

/** As outcomeOf, for calls whose good answer says nothing. */
export function refusalOf(step: string, result: number): Failure | undefined {
  return result < 0 ? { step, errno: -result } : undefined;
}

// asm-generic/socket.h, linux/in.h, linux/if_packet.h; the same on every architecture that Bun runs on.
const levels = { socket: 1, ip: 0, packet: 263 } as const;
const options = {
  SO_REUSEADDR: [levels.socket, 2],
  SO_SNDBUF: [levels.socket, 7],
  SO_RCVBUF: [levels.socket, 8],
  SO_SNDBUFFORCE: [levels.socket, 32],
  SO_RCVBUFFORCE: [levels.socket, 33],
  SO_BINDTOIFINDEX: [levels.socket, 62],
  IP_TOS: [levels.ip, 1],
  IP_TTL: [levels.ip, 2],
  IP_MTU_DISCOVER: [levels.ip, 10],
  IP_RECVERR: [levels.ip, 11],
  IP_MULTICAST_TTL: [levels.ip, 33],
  IP_MULTICAST_LOOP: [levels.ip, 34],
  PACKET_COPY_THRESH: [levels.packet, 7],
  PACKET_VERSION: [levels.packet, 10],
  PACKET_RESERVE: [levels.packet, 12],
  PACKET_VNET_HDR: [levels.packet, 15],
  PACKET_FANOUT: [levels.packet, 18],
  PACKET_IGNORE_OUTGOING: [levels.packet, 23],
} as const;

export type OptionName = keyof typeof options;

/** IP_PMTUDISC_OMIT, linux/in.h: fragment what is larger than the link's MTU, and believe no ICMP about a path's. */
export const pmtuOmit = 5;

const families = { unix: 1, ipv4: 2, packet: 17 } as const;
const types = { datagram: 2, raw: 3 } as const;
/** IPPROTO_RAW: sends whole datagrams, headers and all, and hears nothing. */
export const protocolRaw = 255;

/** A unix socket for datagrams, non-blocking, closed on exec. */
export function openUnixDatagram(): number | Failure {
  return outcomeOf("socket AF_UNIX", shim.mcr_socket(families.unix, types.datagram, 0));
}

/** A UDP socket, non-blocking, closed on exec. */
export function openUdp(): number | Failure {
  return outcomeOf("socket AF_INET", shim.mcr_socket(families.ipv4, types.datagram, 0));
}

/** A raw IPv4 socket for `protocol`, which writes the IP header itself, unless that is IPPROTO_RAW; raw(7). */
export function openRaw(protocol: number): number | Failure {
  return outcomeOf("socket AF_INET SOCK_RAW", shim.mcr_socket(families.ipv4, types.raw, protocol));
}

/** An AF_PACKET socket that keeps the link header and hears of nothing until it is bound. */
export function openPacket(): number | Failure {
  return outcomeOf("socket AF_PACKET", shim.mcr_socket(families.packet, types.raw, 0));
}

/** Gives the descriptor back. Linux closes it even when it reports an error, so there is nothing to decide on. */
export function closeSocket(fd: number): void {
  shim.mcr_close(fd);
}

/** Sets one option, a 32-bit integer; returns what the kernel refused. */
export function setOption(fd: number, name: OptionName, value: number): Failure | undefined {
  const [level, number] = options[name];
  return refusalOf(name, shim.mcr_option(fd, level, number, value | 0));
}

/** The option's 32 bits, unsigned. */
export function getOption(fd: number, name: OptionName): number | Failure {
  const [level, number] = options[name];
  const result = shim.mcr_option_get(fd, level, number);
  // Errors are -1 to -4095 (MAX_ERRNO, linux/err.h); below that it is a value with its top bit set, as PACKET_FANOUT's.
  return result < 0 && result >= -4095 ? { step: name, errno: -result } : result >>> 0;
}

/** The first refusal of the options in turn. */
export function setOptions(fd: number, wanted: readonly (readonly [OptionName, number])[]): Failure | undefined {
  for (const [name, value] of wanted) {
    const failure = setOption(fd, name, value);
    if (failure !== undefined) {
      return failure;
    }
  }
  return undefined;
}

/** A buffer of `size` bytes, beyond the sysctl's maximum with CAP_NET_ADMIN, else up to it. */
export function setBufferSize(fd: number, direction: "send" | "receive", size: number): Failure | undefined {
  const isSend = direction === "send";
  const forced = setOption(fd, isSend ? "SO_SNDBUFFORCE" : "SO_RCVBUFFORCE", size);
  return forced === undefined ? undefined : setOption(fd, isSend ? "SO_SNDBUF" : "SO_RCVBUF", size);
}

/** Sends and receives through the named link only. */
export function bindLink(fd: number, name: string): Failure | undefined {
  return refusalOf("SO_BINDTODEVICE", shim.mcr_bind_link(fd, text(name)));
}

/** The same for a link by its index, whatever its name is by now. */
export function bindLinkIndex(fd: number, linkIndex: number): Failure | undefined {
  return setOption(fd, "SO_BINDTOIFINDEX", linkIndex);
}

/** Gives the socket its own address (host order) and port; port 0 is any. */
export function bindAddress(fd: number, address: number, port: number): Failure | undefined {
  return refusalOf("bind", shim.mcr_bind(fd, address, port));
}

/** Ties the socket to one far address (host order) and port; from then on its errors are that address's. */
export function connect(fd: number, address: number, port: number): Failure | undefined {
  return refusalOf("connect", shim.mcr_connect(fd, address, port));
}

/** The link that multicast leaves by. */
export function setOutputLink(fd: number, linkIndex: number): Failure | undefined {
  return refusalOf("IP_MULTICAST_IF", shim.mcr_output_link(fd, linkIndex));
}

/** Joins `group` on a link, from any source (0) or from one; addresses in host order. */
export function joinGroup(fd: number, linkIndex: number, group: number, source: number): Failure | undefined {
  const step = source === 0 ? "MCAST_JOIN_GROUP" : "MCAST_JOIN_SOURCE_GROUP";
  return refusalOf(step, shim.mcr_membership(fd, 1, linkIndex, group, source));
}

/** Leaves what joinGroup joined. */
export function leaveGroup(fd: number, linkIndex: number, group: number, source: number): Failure | undefined {
  const step = source === 0 ? "MCAST_LEAVE_GROUP" : "MCAST_LEAVE_SOURCE_GROUP";
  return refusalOf(step, shim.mcr_membership(fd, 0, linkIndex, group, source));
}

/** Reads one datagram into the start of `into`; its size, cut to the mapping's. Never waits: EAGAIN when there is none. */
export function receive(fd: number, into: Mapped): number | Failure {
  return outcomeOf("recv", shim.mcr_read(fd, into.pointer, into.size));
}

/** Sends the first `size` bytes of `from`. Never waits. */
export function send(fd: number, from: Mapped, size: number): number | Failure {
  return outcomeOf("send", shim.mcr_write(fd, from.pointer, size));
}
