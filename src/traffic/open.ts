// Sockets of both ends. What the kernel refuses comes back as a sentence with the cure.
import { formatIpv4, isMulticast } from "../base/ipv4.ts";
import { done, failed, type Outcome } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { errno } from "../shim/errno.ts";
import {
  bindAddress,
  bindLink,
  closeSocket,
  connect,
  type Failure,
  failureText,
  isFailure,
  joinGroup,
  openUdp,
  setBufferSize,
  setOption,
  setOutputLink,
} from "../shim/socket.ts";
import { setTrafficOption } from "../shim/traffic.ts";
import type { Link } from "./link.ts";
import type { GenSettings } from "./settings.ts";
import { describeTarget, type Target } from "./targets.ts";

type Step = () => Failure | undefined;

/** A socket for which all steps went well; else closed again, and the failure. */
function openWith(steps: (fd: number) => readonly Step[]): number | Failure {
  const fd = openUdp();
  if (isFailure(fd)) {
    return fd;
  }
  for (const step of steps(fd)) {
    const failure = step();
    if (failure !== undefined) {
      closeSocket(fd);
      return failure;
    }
  }
  return fd;
}

/** A socket per target, or none and why. */
function openAll(
  targets: readonly Target[],
  open: (target: Target) => number | Failure,
  cure: (failure: Failure, target: Target) => string,
): Outcome<number[]> {
  const fds: number[] = [];
  for (const target of targets) {
    const fd = open(target);
    if (isFailure(fd)) {
      fds.forEach(closeSocket);
      return failed(`${describeTarget(target)}: ${failureText(fd)}${cure(fd, target)}`);
    }
    fds.push(fd);
  }
  return done(fds);
}

/** Connected sockets to send by. */
export function openSenders(settings: GenSettings, link: Link | undefined): Outcome<number[]> {
  const { targets, ttl, sourceIp, gso, size } = settings;
  const open = ({ group, port }: Target) =>
    openWith((fd) => {
      const ttlOption = isMulticast(group) ? "IP_MULTICAST_TTL" : "IP_TTL";
      return [
        () => setBufferSize(fd, "send", limits.outputBufferSize),
        // Without it a queue that drops tells nobody (ip(7)), and we would call it sent.
        () => setTrafficOption(fd, "IP_RECVERR", 1),
        () => (link === undefined ? undefined : bindLink(fd, link.name)),
        () => (link === undefined ? undefined : setOutputLink(fd, link.index)),
        () => (ttl === undefined ? undefined : setOption(fd, ttlOption, ttl)),
        () => (sourceIp === undefined ? undefined : bindAddress(fd, sourceIp, 0)),
        () => (gso > 1 ? setTrafficOption(fd, "UDP_SEGMENT", size.high) : undefined),
        () => connect(fd, group, port),
      ];
    });
  return openAll(targets, open, (failure) => senderCure(failure, sourceIp));
}

function senderCure(failure: Failure, sourceIp: number | undefined): string {
  switch (failure.errno) {
    case errno.EADDRNOTAVAIL:
      return sourceIp === undefined ? "" : `; no link of this host has the address ${formatIpv4(sourceIp)}`;
    case errno.ENETUNREACH:
      return "; no route leads there: add one, or name the link with --interface";
    default:
      return "";
  }
}

/** Bound and joined sockets to hear with. */
export function openReceivers(
  targets: readonly Target[],
  link: Link | undefined,
  bufferSize: number,
): Outcome<number[]> {
  const open = ({ group, port }: Target) =>
    openWith((fd) => [
      () => setBufferSize(fd, "receive", bufferSize),
      () => setTrafficOption(fd, "SO_TIMESTAMPNS", 1),
      // Without it, what other programs joined on other links would come here too (ip(7)).
      () => setTrafficOption(fd, "IP_MULTICAST_ALL", 0),
      () => (isMulticast(group) ? setOption(fd, "SO_REUSEADDR", 1) : undefined),
      () => (link === undefined ? undefined : bindLink(fd, link.name)),
      () => bindAddress(fd, group, port),
      () => (isMulticast(group) && link !== undefined ? joinGroup(fd, link.index, group, 0) : undefined),
    ]);
  return openAll(targets, open, receiverCure);
}

function receiverCure(failure: Failure, target: Target): string {
  switch (failure.errno) {
    case errno.EADDRINUSE:
      return `; another program has the port: 'ss -ulpn sport = :${target.port}' names it`;
    case errno.EADDRNOTAVAIL:
      return "; no link of this host has that address";
    case errno.EACCES:
      return "; ports below 1024 need root";
    default:
      return "";
  }
}
