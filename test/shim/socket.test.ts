import { expect, test } from "bun:test";
import { errno } from "../../src/shim/errno.ts";
import { Doorbell, NetlinkSocket } from "../../src/shim/netlink.ts";
import {
  bindLink,
  closeSocket,
  failureText,
  getOption,
  isFailure,
  openUdp,
  outcomeOf,
  refusalOf,
  setBufferSize,
  setOption,
  setOptions,
} from "../../src/shim/socket.ts";

function udp(work: (fd: number) => void): void {
  const fd = openUdp();
  if (isFailure(fd)) throw new Error(failureText(fd));
  work(fd);
  closeSocket(fd);
}

test("a failure names its step and its error", () => {
  expect(outcomeOf("bind", -errno.EADDRNOTAVAIL)).toEqual({ step: "bind", errno: errno.EADDRNOTAVAIL });
  expect(failureText({ step: "bind", errno: errno.EADDRNOTAVAIL })).toBe("bind: EADDRNOTAVAIL");
  expect(outcomeOf("socket", 7)).toBe(7);
  expect(refusalOf("connect", 0)).toBeUndefined();
});

test("only a failure is taken for one", () => {
  expect([7, undefined, null, { fd: 7 }, { step: "x" }].map(isFailure)).toEqual([false, false, false, false, false]);
});

test("an option reads back as it was set, and the first refusal ends a list of them", () => {
  udp((fd) => {
    expect(setOption(fd, "IP_MULTICAST_TTL", 9)).toBeUndefined();
    expect(getOption(fd, "IP_MULTICAST_TTL")).toBe(9);
    const failure = setOptions(fd, [
      ["IP_TTL", 7],
      ["IP_MULTICAST_TTL", 999],
      ["IP_TTL", 8],
    ]);
    expect(failure).toEqual({ step: "IP_MULTICAST_TTL", errno: errno.EINVAL });
    expect(getOption(fd, "IP_TTL")).toBe(7);
  });
});

test("what is not there is refused by name", () => {
  udp((fd) => {
    expect(bindLink(fd, "mcr-none")).toEqual({ step: "SO_BINDTODEVICE", errno: errno.ENODEV });
    expect(getOption(fd, "PACKET_FANOUT")).toMatchObject({ step: "PACKET_FANOUT" });
  });
  expect(setOption(-1, "IP_TTL", 1)).toMatchObject({ step: "IP_TTL" });
});

test("a buffer is set beyond the sysctl's maximum", () => {
  udp((fd) => {
    expect(setBufferSize(fd, "send", 32 << 20)).toBeUndefined();
    expect(getOption(fd, "SO_SNDBUF")).toBe(64 << 20);
  });
});

test("a netlink question that is none is answered with an error, not with a wait", () => {
  const socket = NetlinkSocket.open();
  if (isFailure(socket)) throw new Error(failureText(socket));
  const nonsense = new Uint8Array(16);
  // A header that says 16 bytes, of a type rtnetlink does not have, as a request that wants an acknowledgement.
  nonsense.set([16, 0, 0, 0, 0xff, 0x7f, 5, 0]);
  let type = 0;
  const failure = socket.ask(nonsense, (answer) => {
    type = answer[4] ?? 0;
    return true;
  });
  expect([failure, type]).toEqual([undefined, 2]);
  expect(socket.ask(new Uint8Array(1), () => true)).toMatchObject({ step: "recv", errno: errno.EAGAIN });
  socket.close();
});

test("a bell that nobody rang is silent", () => {
  const bell = Doorbell.open("routes");
  if (isFailure(bell)) throw new Error(failureText(bell));
  bell.rang();
  expect(bell.rang()).toBe(false);
  bell.close();
});
