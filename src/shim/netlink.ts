// Netlink sockets: one kind that asks (rtnetlink(7), sock_diag(7)), one that only listens for a ring of the bell. Bytes are
// made and read in supervise/kernel/netlink.ts and supervise/kernel/socket-diag.ts.
import { limits } from "../limits.ts";
import { errno } from "./errno.ts";
import { shim } from "./library.ts";
import { type Mapped, map, scratch } from "./memory.ts";
import { closeSocket, type Failure, isFailure, outcomeOf, receive, send, setOption } from "./socket.ts";

// RTMGRP_* of linux/rtnetlink.h.
const groups = {
  links: 0x1 | 0x10 /* RTMGRP_LINK, RTMGRP_IPV4_IFADDR */,
  routes: 0x40 /* RTMGRP_IPV4_ROUTE */,
} as const;

// AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG; linux/netlink.h.
const [familyNetlink, typeRaw, protocolSockDiag] = [16, 3, 4];

/** Asks the kernel; every question is answered before ask() returns. */
export class NetlinkSocket {
  private readonly fd: number;
  private readonly memory: Mapped = map(limits.netlinkReadSize);

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** `of`: whom to ask, links and routes or sockets. */
  static open(of: "routes" | "sockets" = "routes"): NetlinkSocket | Failure {
    const number = of === "routes" ? shim.mcr_netlink(0) : shim.mcr_socket(familyNetlink, typeRaw, protocolSockDiag);
    const fd = outcomeOf("socket AF_NETLINK", number);
    return isFailure(fd) ? fd : new NetlinkSocket(fd);
  }

  /**
   * Sends `request` and hands every datagram of the answer to `read` until that returns true. The bytes are good during
   * the call only. The kernel makes each part of an answer before the read that precedes it returns, so not to find one
   * (EAGAIN) is a failure like any other.
   */
  ask(request: Uint8Array, read: (answer: Uint8Array) => boolean): Failure | undefined {
    this.memory.u8.set(request);
    const sent = send(this.fd, this.memory, request.length);
    if (isFailure(sent)) {
      return sent;
    }
    for (let size = 0; size <= limits.netlinkAnswerSizeMax; ) {
      const received = receive(this.fd, this.memory);
      if (isFailure(received)) {
        return received;
      }
      if (read(this.memory.u8.subarray(0, received))) {
        return undefined;
      }
      size += received;
    }
    return { step: "recv AF_NETLINK", errno: errno.EMSGSIZE };
  }

  close(): void {
    closeSocket(this.fd);
    this.memory.close();
  }
}

// Small, so that a storm of events overruns it: then ENOBUFS is the one event to read, instead of thousands.
const bellBufferSize = 16 * 1024;
// More than the small buffer can hold; what is left rings again at the next look.
const bellReadsMax = 256;
const bellReadSize = 16;

/** Hears that something changed, not what. */
export class Doorbell {
  /** Readable when it rings, for a poll. */
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  static open(of: keyof typeof groups): Doorbell | Failure {
    const fd = outcomeOf("socket AF_NETLINK", shim.mcr_netlink(groups[of]));
    if (isFailure(fd)) {
      return fd;
    }
    const failure = setOption(fd, "SO_RCVBUF", bellBufferSize);
    if (failure === undefined) {
      return new Doorbell(fd);
    }
    closeSocket(fd);
    return failure;
  }

  /** True when it rang since the last look. Any error but "nothing there" counts: ENOBUFS says that events were lost. */
  rang(): boolean {
    let isRung = false;
    for (let reads = 0; reads < bellReadsMax; reads++) {
      const result = shim.mcr_read(this.fd, scratch.pointer, bellReadSize);
      if (result === -errno.EAGAIN) {
        return isRung;
      }
      isRung = true;
    }
    return isRung;
  }

  close(): void {
    closeSocket(this.fd);
  }
}
