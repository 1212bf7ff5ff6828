// A source that the relay has no route to, under strict reverse-path filtering: what a plain socket never sees.
import { afterAll, afterEach, expect, test } from "bun:test";
import type { Lab } from "../helpers/namespaces.ts";
import { Relay } from "../helpers/relay.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";

const lab = bench("unroutable");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const count = 2000;
const stranger = "203.0.113.9";
lab.ip("gen", `addr add ${stranger}/32 dev out0`);
for (const link of ["all", "in0"]) lab.sysctl("relay", `net.ipv4.conf.${link}.rp_filter`, 1);

/** Frames that the reverse-path check has ended. */
function reversePathDrops(of: Lab): number {
  const [names = [], values = []] = of
    .read("relay", "/proc/net/netstat")
    .split("\n")
    .filter((line) => line.startsWith("TcpExt:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("IPReversePathFilter")]);
}

const plainSocket = ["--group", "239.1.1.1", "--port", "5000", "--interface", "in0", "--expect", `${count}`];
const stream = [
  "--group",
  "239.1.1.1",
  "--port",
  "5000",
  "--interface",
  "out0",
  "--rate",
  "10k",
  "--count",
  `${count}`,
];

const output = ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", `${count}`];
const rule = {
  ...{ input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 },
  outputs: [{ group: "239.2.2.2", port: 5001, interface: "out0" }],
};

test("the kernel drops what an unroutable source sends to a plain socket, and nothing of a routable one", async () => {
  const before = reversePathDrops(lab);
  const deaf = await Sink.start(lab, "relay", plainSocket);
  await generate(lab, "gen", [...stream, "--source-ip", stranger]);
  expect(await deaf.received(100)).toMatchObject({ received: 0 });
  expect(reversePathDrops(lab) - before).toBe(count);
  const plain = await Sink.start(lab, "relay", plainSocket);
  await generate(lab, "gen", stream);
  expect(await plain.received()).toMatchObject({ ...intact, received: count });
});

test.each(["split", "unified"])("%s: the same unroutable source passes the relay", async (pipeline) => {
  const relay = await Relay.start(lab, "relay", ["--pipeline", pipeline]);
  await relay.must({ AddRule: rule });
  const sink = await Sink.start(lab, "sink", output);
  await generate(lab, "gen", [...stream, "--source-ip", stranger]);
  expect(await sink.received()).toMatchObject({ ...intact, received: count });
  await relay.stop();
});

test("a program on the relay's own host that listened before hears the stream beside the relay", async () => {
  const plain = await Sink.start(lab, "relay", plainSocket);
  const relay = await Relay.start(lab, "relay");
  await relay.must({ AddRule: rule });
  const sink = await Sink.start(lab, "sink", output);
  await generate(lab, "gen", stream);
  const [relayed, heard] = await Promise.all([sink.received(), plain.received()]);
  expect(relayed).toMatchObject({ ...intact, received: count });
  expect(heard).toMatchObject({ ...intact, received: count });
  await relay.stop();
});
