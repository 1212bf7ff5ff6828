import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { parseIpv4 } from "../../../src/base/ipv4.ts";
import { limits } from "../../../src/limits.ts";
import { errno } from "../../../src/shim/errno.ts";
import { type Mapped, map } from "../../../src/shim/memory.ts";
import {
  bindAddress,
  closeSocket,
  getOption,
  isFailure,
  joinGroup,
  openUdp,
  receive,
  send,
  setBufferSize,
} from "../../../src/shim/socket.ts";
import { Links } from "../../../src/supervise/kernel/links.ts";
import { type OutputSocket, type OutputWish, openOutput } from "../../../src/supervise/outputs/output-sockets.ts";
import { inside } from "../../helpers/enter.ts";
import { Lab } from "../../helpers/namespaces.ts";
import { until } from "../../helpers/until.ts";

const lab = Lab.create("outputs");
const group = parseIpv4("239.2.2.2") ?? 0;
const sink = parseIpv4("10.0.2.2") ?? 0;
const opened: number[] = [];
let links: Links;
let memory: Mapped;

beforeAll(() => {
  lab.veth({ ns: "relay", link: "r0", address: "10.0.2.1/24" }, { ns: "sink", link: "s0", address: "10.0.2.2/24" });
  lab.veth({ ns: "relay", link: "r1" }, { ns: "sink", link: "s1" });
  lab.veth({ ns: "relay", link: "r2" }, { ns: "sink", link: "s2" });
  lab.ip("relay", "link set r2 down");
  memory = map(65536);
  const result = inside(lab.ns("relay"), () => Links.open());
  if (isFailure(result)) throw new Error(`no links: ${result.step}`);
  links = result;
});
afterAll(async () => {
  opened.forEach(closeSocket);
  links.close();
  memory.close();
  await lab.close();
});

function open(wish: Partial<OutputWish>): OutputSocket {
  links.poll();
  const whole = { interface: "r0", group, port: 5001, protocol: 17, ...wish };
  const output = inside(lab.ns("relay"), () => openOutput(links, whole));
  if ("fd" in output) opened.push(output.fd);
  return output;
}

function fdOf(output: OutputSocket): number {
  if ("pending" in output) throw new Error(output.pending);
  return output.fd;
}

/** A socket in the sink on port 5001, joined to the group on s0. */
function listen(ns = "sink", port = 5001): number {
  return inside(lab.ns(ns), () => {
    const fd = openUdp();
    if (isFailure(fd)) throw new Error("no socket");
    opened.push(fd);
    const index = ns === "sink" ? lab.read(ns, "/sys/class/net/s0/ifindex") : "1";
    expect(setBufferSize(fd, "receive", 1 << 20)).toBeUndefined();
    expect(bindAddress(fd, 0, port)).toBeUndefined();
    expect(joinGroup(fd, Number(index), group, 0)).toBeUndefined();
    return fd;
  });
}

function take(fd: number): number[] {
  const sizes: number[] = [];
  for (;;) {
    const size = receive(fd, memory);
    if (isFailure(size)) return sizes;
    sizes.push(size);
  }
}

test("plain sends reach a group and a host, of any size, also beyond the MTU", () => {
  const listener = listen();
  for (const to of [group, sink]) {
    const fd = fdOf(open({ group: to }));
    for (const size of [0, 1, 1472, 1473, 9000]) expect(send(fd, memory, size)).toBe(size);
    expect(take(listener)).toEqual([0, 1, 1472, 1473, 9000]);
  }
});

test("UDP_SEGMENT works on the same socket: one send, many datagrams", () => {
  const listener = listen("sink", 5002);
  const script = `
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
s.sendmsg([bytes(4000)], [(17, 103, (1000).to_bytes(2, "little"))])`;
  const fd = fdOf(open({ port: 5002 }));
  // The program gets our socket as its descriptor 3.
  const ended = Bun.spawnSync(["python3", "-c", script, "3"], { stdio: ["ignore", "ignore", "pipe", fd] });
  expect(ended.stderr.toString()).toBe("");
  expect(take(listener)).toEqual([1000, 1000, 1000, 1000]);
});

test("the TTL is 1 for multicast and the kernel's for unicast, unless it is given", () => {
  const ttls = (wish: Partial<OutputWish>) => {
    const fd = fdOf(open(wish));
    return [getOption(fd, "IP_MULTICAST_TTL"), getOption(fd, "IP_TTL")];
  };
  expect(ttls({})).toEqual([1, 64]);
  expect(ttls({ ttl: 7 })).toEqual([7, 64]);
  expect(ttls({ group: sink })).toEqual([1, 64]);
  expect(ttls({ group: sink, ttl: 9 })).toEqual([1, 9]);
});

test("DSCP, and the source port with or without a source address, are the output's own", () => {
  const source = parseIpv4("10.0.2.1") ?? 0;
  for (const wish of [
    { sourcePort: 4321, dscp: 46 },
    { group: sink, sourcePort: 4322, sourceIp: source },
  ]) {
    const fd = fdOf(open(wish));
    expect(getOption(fd, "IP_TOS")).toBe((wish.dscp ?? 0) << 2);
    const { stdout } = lab.exec("relay", ["ss", "-unaH", `sport = ${wish.sourcePort}`]);
    expect(stdout).toMatch(new RegExp(` (10\\.0\\.2\\.1|0\\.0\\.0\\.0)%r0:${wish.sourcePort} `));
  }
});

test("two outputs may share a source port, and one that another program has for itself is waited for", () => {
  const wish = { sourcePort: 4323 };
  fdOf(open(wish));
  fdOf(open({ ...wish, port: 5009 }));
  const other = inside(lab.ns("relay"), () => openUdp());
  if (isFailure(other)) throw new Error("no socket");
  opened.push(other);
  expect(bindAddress(other, 0, 4324)).toBeUndefined();
  expect(open({ sourcePort: 4324 })).toEqual({
    pending: "r0 to 239.2.2.2:5001: source port 4324 belongs to another program",
  });
});

test("the send buffer is as asked for, the receiving one as small as the kernel allows", () => {
  const fd = fdOf(open({}));
  expect(getOption(fd, "SO_SNDBUF")).toBe(2 * limits.outputBufferSize);
  expect(getOption(fd, "SO_RCVBUF")).toBeLessThan(4096);
});

test("an answer from the receiver is dropped before it is queued", () => {
  const listener = listen("sink", 5004);
  const fd = fdOf(open({ group: sink, port: 5004, sourceIp: parseIpv4("10.0.2.1") ?? 0 }));
  send(fd, memory, 10);
  expect(take(listener)).toEqual([10]);
  const port = /10\.0\.2\.1%r0:(\d+) +10\.0\.2\.2:5004/.exec(lab.exec("relay", ["ss", "-unaH"]).stdout)?.[1];
  const script = `
import socket, sys
s = socket.socket(fileno=3)
s.sendto(b"answer", ("10.0.2.1", int(sys.argv[1])))`;
  Bun.spawnSync(["python3", "-c", script, String(port)], { stdio: ["ignore", "ignore", "inherit", listener] });
  expect(port).toBeDefined();
  expect(receive(fd, memory)).toEqual({ step: "recv", errno: errno.EAGAIN });
  expect(lab.exec("relay", ["ss", "-unaH"]).stdout).toMatch(
    new RegExp(`^ESTAB +0 +0 +10\\.0\\.2\\.1%r0:${port} `, "m"),
  );
});

test("a router's word that a host cannot be reached, and a full transmit queue, are said by a later send, once", async () => {
  lab.ip("sink", "route add unreachable 10.8.8.8");
  lab.sysctl("sink", "net.ipv4.ip_forward", 1);
  lab.ip("relay", "route add 10.8.8.0/24 via 10.0.2.2 dev r0");
  const far = fdOf(open({ group: parseIpv4("10.8.8.8") ?? 0 }));
  const said = await until(
    "an error",
    () => send(far, memory, 1000),
    (result) => isFailure(result),
  );
  expect(said).toEqual({ step: "send", errno: errno.EHOSTUNREACH });
  // The details stay where they are, and no more of them than the smallest buffer holds.
  const line = /10\.8\.8\.8:5001\s+skmem:\(r(\d+)/.exec(
    lab.exec("relay", ["ss", "-unamH"]).stdout.replaceAll("\n", " "),
  );
  expect(Number(line?.[1])).toBeLessThan(4096);
  lab.exec("relay", ["tc", "qdisc", "add", "dev", "r0", "root", "pfifo", "limit", "0"]);
  const full = send(fdOf(open({})), memory, 1000);
  lab.exec("relay", ["tc", "qdisc", "del", "dev", "r0", "root"]);
  expect(full).toEqual({ step: "send", errno: errno.ENOBUFS });
});

test("a receiver on the relay itself hears its multicast output, on loopback once", () => {
  const listener = listen("relay", 5005);
  send(fdOf(open({ interface: "lo", port: 5005 })), memory, 10);
  expect(take(listener)).toEqual([10]);
});

test("what keeps an output from opening is said in words", () => {
  lab.ip("relay", "addr flush dev r1");
  const reason = (wish: Partial<OutputWish>) => open(wish);
  expect(reason({ interface: "eth9" })).toEqual({ pending: "output link eth9 does not exist" });
  expect(reason({ interface: "r2" })).toEqual({ pending: "r2 is down" });
  expect(reason({ interface: "r1" })).toEqual({ pending: "r1 has no IPv4 address" });
  expect(reason({ sourceIp: parseIpv4("10.0.0.9") ?? 0 })).toEqual({
    pending: "10.0.0.9 is not an address of this machine",
  });
  expect(reason({ group: parseIpv4("10.9.9.9") ?? 0 })).toEqual({ pending: "no route to 10.9.9.9 through r0" });
});

test("an unnumbered link sends from an address that is given", () => {
  expect("fd" in open({ interface: "r1", sourceIp: parseIpv4("10.0.2.1") ?? 0 })).toBe(true);
});

test("an output of ESP has a raw socket", () => {
  expect("fd" in open({ protocol: 50, port: 0 })).toBe(true);
});

test("a route that appears makes the output possible", () => {
  lab.ip("relay", "route add 10.9.9.0/24 via 10.0.2.2 dev r0");
  expect(links.pollRoutes()).toBe(true);
  expect("fd" in open({ group: parseIpv4("10.9.9.9") ?? 0 })).toBe(true);
});

test("a refused opening leaves no descriptor behind", () => {
  const count = () => readdirSync("/proc/self/fd").length;
  const before = count();
  for (let tries = 0; tries < 20; tries++) open({ sourceIp: parseIpv4("10.0.0.9") ?? 0 });
  // The runtime may close one of its own meanwhile.
  expect(count()).toBeLessThanOrEqual(before);
});
