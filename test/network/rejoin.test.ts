// A switch that snoops and is never asked by a querier again: it forgets who listens, unless the relay says it again.
//
//   gen out0 ── p0 ┐
//                  ├ br0 (namespace switch: snooping, no querier) ── p1 ── in0 relay out0 ── in0 sink
//   other in0 ─ p2 ┘
import { afterAll, afterEach, expect, test } from "bun:test";
import { checksum, ethernet, groupMac, ipv4, protocols } from "../helpers/frames.ts";
import { Lab } from "../helpers/namespaces.ts";
import { rawsend } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { isFlooding, learnt } from "../helpers/snooping.ts";
import { ruleOf, statusOf } from "../helpers/status.ts";
import { generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = Lab.create("rejoin");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

lab.veth({ ns: "gen", link: "out0", address: "10.0.1.1/24" }, { ns: "switch", link: "p0" });
lab.veth({ ns: "relay", link: "in0", address: "10.0.1.2/24" }, { ns: "switch", link: "p1" });
lab.veth({ ns: "other", link: "in0", address: "10.0.1.3/24" }, { ns: "switch", link: "p2" });
lab.veth({ ns: "relay", link: "out0", address: "10.0.2.1/24" }, { ns: "sink", link: "in0", address: "10.0.2.2/24" });
lab.bridge("switch", "br0", ["p0", "p1", "p2"], { snooping: true });

const feed = {
  ...{ name: "feed", input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 },
  outputs: [{ group: "239.2.2.1", port: 6000, interface: "out0" }],
};
/** Longer than a rejoin interval of 1 s; in hundredths of a second, as the bridge has it. */
const memoryOfSwitch = 170;

/** A general query: the switch believes in a querier for four minutes, and none ever asks again. Its port gets everything. */
function askOnce(version: 2 | 3): void {
  const maxResponse = 2;
  const body = new Uint8Array(version === 3 ? 12 : 8);
  body.set([0x11, maxResponse]);
  new DataView(body.buffer).setUint16(2, checksum(body));
  const fields = { source: "10.0.1.1", destination: "224.0.0.1", protocol: protocols.igmp, ttl: 1 };
  const alert = Uint8Array.from([0x94, 0x04, 0, 0]);
  const frame = ethernet({ destination: groupMac("224.0.0.1") }, ipv4({ ...fields, options: alert }, body));
  rawsend(lab, "gen", "out0", [frame]);
}

async function learn(version: 2 | 3): Promise<void> {
  const settings = `mcast_igmp_version ${version} mcast_membership_interval ${memoryOfSwitch}`;
  lab.ip("switch", `link set br0 type bridge ${settings}`);
  askOnce(version);
  await until(
    "the switch has learnt the group",
    () => learnt(lab),
    (groups) => groups.length === 1,
  );
  await until(
    "the switch no longer floods",
    () => isFlooding(lab),
    (floods) => !floods,
  );
  expect(lab.read("relay", "/proc/net/igmp")).toMatch(new RegExp(`in0 .* V${version}`));
}

const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "2k"];

test("a switch forgets the group, and the stream ends there", async () => {
  const relay = await Relay.start(lab, "relay", ["--rejoin-interval", "0"]);
  await relay.must({ AddRule: feed });
  await learn(3);
  await until(
    "the switch has forgotten",
    () => learnt(lab),
    (groups) => groups.length === 0,
  );
  await generate(lab, "gen", [...stream, "--count", "100"]);
  expect((await ruleOf(relay, "feed")).datagrams).toBe(0);
  await relay.stop();
});

// Version 2 last: a link that has heard its query speaks it for minutes.
test.each([3, 2] as const)(
  "IGMPv%i: reported again every second, the group stays, and no datagram of a stream is lost",
  async (version) => {
    const relay = await Relay.start(lab, "relay", ["--rejoin-interval", "1"]);
    await relay.must({ AddRule: feed });
    await learn(version);
    const listen = ["--group", "239.2.2.1", "--port", "6000", "--interface", "in0", "--expect", "8000"];
    const sink = await Sink.start(lab, "sink", listen);
    await generate(lab, "gen", [...stream, "--count", "8000"]);
    expect(await sink.received()).toMatchObject({ ...intact, received: 8000 });
    expect(learnt(lab)).toEqual(["239.1.1.1"]);
    const { links } = await statusOf(relay);
    const { reports = 0, failed } = links.find(({ name }) => name === "in0")?.rejoin ?? {};
    expect(failed).toBe(0);
    expect(reports).toBeGreaterThanOrEqual(4);
    expect((await relay.tryCtl("status")).stdout).toMatch(/in0 .* \d+, \d+(\.\d+)? ?m?s ago/);
    await relay.stop();
  },
);
