// The bench itself: what the other network tests stand on has to hold before they mean anything.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { isAlive } from "../helpers/alive.ts";
import { fragmentFrames, patternPayload, udpFrame } from "../helpers/frames.ts";
import { Lab } from "../helpers/namespaces.ts";
import { rawsend, rawsendSuper, superFrame } from "../helpers/rawsend.ts";
import { runAnyway } from "../helpers/run.ts";
import { until } from "../helpers/until.ts";

const lab = Lab.create("lab");
afterAll(() => lab.close());

lab.veth({ ns: "left", link: "l0", address: "10.0.1.1/24" }, { ns: "right", link: "r0", address: "10.0.1.2/24" });
lab.ip("right", "route add 239.0.0.0/8 dev r0");
const flow = { source: "10.0.1.1", destination: "10.0.1.2", sourcePort: 4000, destinationPort: 5000 };
const ethernet = { destination: /link\/ether (\S+)/.exec(lab.ip("right", "link show dev r0"))?.[1] ?? "" };

/** Datagrams that the kernel handed to UDP, and those it refused for their checksum. */
function udpCounters(): { received: number; badChecksum: number } {
  const [names = [], values = []] = lab
    .read("right", "/proc/net/snmp")
    .split("\n")
    .filter((line) => line.startsWith("Udp:"))
    .map((line) => line.split(" "));
  const value = (name: string) => Number(values[names.indexOf(name)]);
  return { received: value("InDatagrams"), badChecksum: value("InCsumErrors") };
}

describe("frames as built", () => {
  const listener = lab.spawn("right", ["socat", "-u", "UDP4-RECV:5000", "SYSTEM:cat >/dev/null"]);
  const listens = () => until("the listener", () => lab.read("right", "/proc/net/udp").includes(":1388 "));

  test("the kernel takes a right datagram, whole or in fragments, and refuses a wrong checksum", async () => {
    await listens();
    const before = udpCounters();
    rawsend(lab, "left", "l0", [
      udpFrame(flow, patternPayload(100), { ethernet }),
      udpFrame(flow, patternPayload(101), { ethernet, udp: { checksum: "none" } }),
      udpFrame(flow, patternPayload(102), { ethernet, udp: { checksum: "wrong" } }),
      ...fragmentFrames(flow, patternPayload(3000), 1480, { ethernet }),
    ]);
    await until("three datagrams and a refusal", udpCounters, (now) => {
      return now.received - before.received === 3 && now.badChecksum - before.badChecksum === 1;
    });
    expect(listener.isUp).toBe(true);
  });

  test("the kernel takes a super-frame for the datagrams it holds", async () => {
    await listens();
    const before = udpCounters();
    rawsendSuper(lab, "left", "l0", [superFrame(udpFrame(flow, patternPayload(1000), { ethernet }), 100)]);
    await until("ten datagrams", udpCounters, (now) => now.received - before.received === 10);
    expect(udpCounters().badChecksum).toBe(before.badChecksum);
  });

  test("a link that is not there is an error", () => {
    expect(() => rawsend(lab, "left", "nosuch0", [patternPayload(60)])).toThrow("nosuch0");
  });
});

test("a closed lab leaves no namespace, no process and no directory", async () => {
  const small = Lab.create("small");
  const full = small.ns("one");
  const running = small.spawn("one", ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.2; done"]);
  await running.says("ready");
  const pids = small.pids("one");
  expect(pids).toContain(running.pid);
  running.signal("SIGKILL");
  await small.close();
  expect(runAnyway(["ip", "netns", "list"]).stdout).not.toContain(full);
  await until("its processes are gone", () => !pids.some((pid) => isAlive(pid)));
  expect(existsSync(small.dir)).toBe(false);
});

test("a test process that is killed leaves no namespace and no directory", async () => {
  const helper = new URL("../helpers/namespaces.ts", import.meta.url).pathname;
  const program = `import { Lab } from ${JSON.stringify(helper)};
    const lab = Lab.create("killed"); console.log(lab.ns("a"), lab.dir); setInterval(() => lab, 1000);`;
  const doomed = lab.spawn("left", [process.execPath, "-e", program]);
  const [full = "", dir = ""] = (await doomed.says("\n")).trim().split(" ");
  expect(existsSync(`/run/netns/${full}`)).toBe(true);
  doomed.signal("SIGKILL");
  await until("the guard removed both", () => !existsSync(`/run/netns/${full}`) && !existsSync(dir));
});
