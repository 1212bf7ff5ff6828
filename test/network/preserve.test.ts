// How datagrams leave: with their sender's own address and port, or with the port, DSCP and TTL that an output names. Seen by kernel
// sockets, which check UDP's checksum, and by tcpdump on the wire, which makes it anew.
// Wants quiet: 20,000 datagrams a second on two cores.
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "bun:test";
import { espFrame, fragmentFrames, join, patternPayload, udpFrame } from "../helpers/frames.ts";
import { Listener } from "../helpers/listener.ts";
import { rawsend, rawsendSuper, superFrame } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { ruleOf, settled, statusOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("preserve");
afterEach(() => lab.endAll());
afterAll(() => lab.close());
beforeAll(() => {
  for (const address of ["10.0.1.3", "10.0.1.4"]) lab.ip("gen", `addr add ${address}/24 dev out0`);
  // The sink has no way back to these senders, and shall hear them all the same.
  for (const link of ["all", "in0", "in1"]) lab.sysctl("sink", `net.ipv4.conf.${link}.rp_filter`, 0);
});

const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 };
const groupOut = { group: "239.2.2.2", port: 5001, interface: "out0", preserve_source: true };
const hostOut = { group: "10.0.3.2", port: 5003, interface: "out1", preserve_source: true };
const group = { group: "239.2.2.2", linkAddress: "10.0.2.2" };
const count = 20_000;

const senders = [
  { source: "10.0.1.1", sourcePort: 1111 },
  { source: "172.16.9.9", sourcePort: 65_535 },
  { source: "203.0.113.7", sourcePort: 1 },
] as const;
const flowOf = (sender: (typeof senders)[number]) => ({ ...sender, destination: "239.1.1.1", destinationPort: 5000 });

/** What tcpdump says of the next `count` packets on the sink's link. */
async function wire(link: string, packets: number, filter: string) {
  const dump = lab.spawn("sink", ["tcpdump", "-Z", "root", "-n", "-vv", "-i", link, "-c", `${packets}`, filter]);
  await dump.says("listening", "stderr");
  return async () => (await dump.succeed()).stdout.split(/\n(?=\S)/).map((text) => text.replace(/\s+/g, " "));
}

const modes: [mode: string, args: string[]][] = [
  ["unified", ["--pipeline", "unified"]],
  ["split", ["--pipeline", "split"]],
  ["ppoll", ["--pipeline", "split", "--io", "ppoll"]],
];

describe.each(modes)("preserve_source, %s", (_, args) => {
  test("three senders keep address and port, to a group and to a host, whatever the size; super-frames are cut", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", ...args]);
    const outputs = [{ ...groupOut, ttl: 7, dscp: 46 }, hostOut];
    await relay.must({ AddRule: { name: "feed", ...input, outputs } });
    const listeners = [await Listener.start(lab, "sink", 5001, group), await Listener.start(lab, "sink", 5003)];
    const plain = [0, 1, 2, 99, 1472];
    const parts = [patternPayload(500, 7), patternPayload(500, 8), patternPayload(123, 9)];
    const packets = senders.length * plain.length + parts.length + 1;
    const seen = await wire("in0", packets, "udp");
    const big = patternPayload(1472, 77);
    for (const sender of senders) {
      const frames = plain.map((size) => udpFrame(flowOf(sender), patternPayload(size, size)));
      rawsend(lab, "gen", "out0", frames);
    }
    const [sender] = senders;
    rawsendSuper(lab, "gen", "out0", [superFrame(udpFrame(flowOf(sender), join(...parts)), 500)]);
    // A datagram that came in fragments has its ports in the first of them.
    rawsend(lab, "gen", "out0", fragmentFrames(flowOf(sender), big, 600));
    const expected = [
      ...senders.flatMap(({ source, sourcePort }) =>
        plain.map((size) => ({ from: `${source}:${sourcePort}`, payload: patternPayload(size, size).toHex() })),
      ),
      ...[...parts, big].map((part) => ({ from: `${sender.source}:${sender.sourcePort}`, payload: part.toHex() })),
    ];
    for (const listener of listeners) {
      expect(
        await until(
          "all datagrams",
          () => listener.heard,
          ({ length }) => length >= packets,
        ),
      ).toEqual(expected);
    }
    const lines = await seen();
    expect(lines).toHaveLength(packets);
    for (const line of lines) {
      // "udp sum ok" and "no cksum": the first is what is wanted, the second would say that there is none.
      expect(line).toMatch(/^\S+ IP \(tos 0xb8, ttl 7, .*(udp sum ok|UDP, length 0)/);
      expect(line).not.toMatch(/bad/);
    }
    expect((await relay.tryCtl("list")).stdout).toMatch(/out0 239\.2\.2\.2:5001 from its sender dscp 46/);
    await relay.stop();
  });

  test("three senders of 20,000 datagrams a second together lose nothing, in order", async () => {
    const relay = await Relay.start(lab, "relay", ["--workers", "1", ...args]);
    await relay.must({ AddRule: { name: "feed", ...input, outputs: [groupOut, hostOut] } });
    const total = Math.floor(count / 3) * 3;
    const sinks = await Promise.all([
      Sink.start(lab, "sink", ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", `${total}`]),
      Sink.start(lab, "sink", ["--port", "5003", "--expect", `${total}`]),
    ]);
    const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--size", "36-1472"];
    const each = ["--rate", "6.7k", "--count", `${total / 3}`];
    const sources = ["10.0.1.1", "10.0.1.3", "10.0.1.4"];
    await Promise.all(sources.map((source) => generate(lab, "gen", [...stream, "--source-ip", source, ...each])));
    for (const sink of sinks) expect(await sink.received()).toMatchObject({ ...intact, received: total, streams: 3 });
    const { outputs } = await settled(relay, "feed");
    expect(outputs.map(({ datagrams_sent }) => datagrams_sent)).toEqual([total, total]);
    const { frames } = await statusOf(relay);
    expect(frames).toMatchObject({ kernel_drops: 0, matched: total });
    // What it sends never comes back to its own taps: nothing else was seen.
    expect(frames.refusals).not.toHaveProperty("own_transmission");
    await relay.stop();
  });
});

test("what is larger than the MTU is dropped by name, said by explain, and what comes behind it arrives", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  await relay.must({ AddRule: { name: "feed", ...input, outputs: [groupOut] } });
  const listener = await Listener.start(lab, "sink", 5001, group);
  const [sender] = senders;
  const [tooLarge, behind] = [patternPayload(1473, 1), patternPayload(1472, 2)];
  rawsend(lab, "gen", "out0", fragmentFrames(flowOf(sender), tooLarge, 1000));
  rawsend(lab, "gen", "out0", [udpFrame(flowOf(sender), behind)]);
  expect(await listener.before(behind.toHex())).toEqual([]);
  const { outputs } = await settled(relay, "feed");
  expect(outputs[0]).toMatchObject({ datagrams_sent: 1, datagrams_failed: 0, drops: { too_large: 1 } });
  expect((await relay.tryCtl("explain", "feed")).stdout).toContain("1 because the MTU is smaller");
  await relay.stop();
});

test("an output link without an address of its own will do, and ESP keeps its sender's address too", async () => {
  lab.ip("relay", "addr del 10.0.3.1/24 dev out1");
  onTestFinished(() => void lab.ip("relay", "addr add 10.0.3.1/24 dev out1"));
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const outputs = [{ group: "239.3.3.3", port: 0, interface: "out1", preserve_source: true }];
  await relay.must({ AddRule: { name: "esp", ...input, input_port: 0, input_protocol: 50, outputs } });
  const listener = await Listener.startRaw(lab, "sink", 50, { group: "239.3.3.3", linkAddress: "10.0.3.2" });
  rawsend(lab, "gen", "out0", [espFrame("172.16.9.9", "239.1.1.1", 0xff, 1, patternPayload(200, 1))]);
  const [heard] = await until(
    "the packet",
    () => listener.heard,
    ({ length }) => length > 0,
  );
  expect(heard).toEqual({ from: "172.16.9.9", payload: `000000ff00000001${patternPayload(200, 1).toHex()}` });
  expect((await ruleOf(relay, "esp")).outputs[0]).toMatchObject({ preserve_source: true, bytes_sent: 208 });
  await relay.stop();
});

test("an output's own source port, DSCP and TTL are on the wire; a reload that changes them counts on", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const add = (tail: string) =>
    relay.ctl(
      ...["add", "--name", "feed", "--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000"],
      ...["--outputs", `239.2.2.2:5001:out0?${tail}`],
    );
  const [sender] = senders;
  const send = () => rawsend(lab, "gen", "out0", [udpFrame(flowOf(sender), patternPayload(10))]);
  for (const [tail, says] of [
    ["source-port=4321&dscp=46&ttl=9", /tos 0xb8, ttl 9, .* 10\.0\.2\.1\.4321 > 239\.2\.2\.2\.5001/],
    ["source=10.0.3.1&source-port=4322&dscp=10", /tos 0x28, ttl 1, .* 10\.0\.3\.1\.4322 > 239\.2\.2\.2\.5001/],
    ["preserve-source=true", /tos 0x0, ttl 1, .* 10\.0\.1\.1\.1111 > 239\.2\.2\.2\.5001/],
  ] as const) {
    await add(tail);
    const seen = await wire("in0", 1, "udp");
    send();
    expect((await seen())[0]).toMatch(says);
  }
  expect((await ruleOf(relay, "feed")).datagrams).toBe(3);
  await relay.stop();
});
