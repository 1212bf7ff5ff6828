// What it means that the kernel refuses a send, for the errnos that a UDP socket meets: udp(7), ip(7), sendmsg(2).

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the receiving host answers that nobody listens on that port (ICMP port unreachable)",
  EHOSTUNREACH: "the receiver or the gateway to it does not answer (ARP), or a router says so",
  ENETUNREACH: "there is no route to it",
  ENETDOWN: "the output's link is down",
  ENODEV: "the output's link is gone",
  ENXIO: "the output's link is gone",
  ENOBUFS: "the link's transmit queue is full: more is sent than it carries",
  EAGAIN: "the socket's buffer is full: more is sent than the link carries",
  EPERM: "a firewall rule of this machine rejects it (nftables or iptables, OUTPUT)",
  EACCES: "it is forbidden: a broadcast address, or a prohibit route",
  EMSGSIZE: "it is larger than the output can carry",
  EINVAL: "the kernel does not take it in this shape",
};

/** A clause for the errno name; the name itself where nothing more is known. */
export function errnoWords(name: string): string {
  return words[name] ?? `the kernel refuses with ${name}`;
}
