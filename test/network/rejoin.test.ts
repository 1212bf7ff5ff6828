// A switch that snoops and is never asked by a querier again: it forgets who listens, unless the relay says it again.
//
//   gen out0 ── p0 ┐
//                  ├ br0 (namespace switch: snooping, no querier) ── p1 ── in0 relay out0 ── in0 sink
//   other in0 ─ p2 ┘
import { afterAll, afterEach, expect, test } from "bun:test";
import { checksum, ethernet, groupMac, ipv4, protocols } from "../helpers/frames.ts";
import { rawsend } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { isFlooding, learnt, snoopingBench } from "../helpers/snooping.ts";
import { ruleOf, statusOf } from "../helpers/status.ts";
import { generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = snoopingBench("rejoin", {});
afterEach(() => lab.endAll());
afterAll(() => lab.close());

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

test("a rule's own interval and version are its own: its reports go out as it says, and others' as the link has it", async () => {
  const relay = await Relay.start(lab, "relay", ["--rejoin-interval", "0"]);
  // Nobody asked on this link yet: it speaks version 3.
  const outputs = [{ group: "239.2.2.1", port: 6000, interface: "in0" }];
  const turned = { ...feed, input_interface: "out0", outputs };
  const later = { ...turned, name: "later", input_port: 5001, input_group: "239.1.1.2", input_rejoin_interval: 1 };
  const dump = lab.spawn("sink", ["tcpdump", "-Z", "root", "-n", "-v", "-l", "-i", "in0", "igmp and src 10.0.2.1"]);
  await dump.says("listening", "stderr");
  await relay.must({ AddRule: { ...turned, input_igmp_version: 2, input_rejoin_interval: 2 } });
  await relay.must({ AddRule: { ...later, outputs: [{ ...outputs[0], port: 6001 }] } });
  // What the kernel says of a join is a change (to_ex); what repeats it is a state (is_ex).
  const reports = () => ({
    second: [...dump.stdout.matchAll(/igmp v2 report 239\.1\.1\.1/g)].length,
    third: [...dump.stdout.matchAll(/igmp v3 report.*gaddr 239\.1\.1\.2 is_ex/g)].length,
    other: [...dump.stdout.matchAll(/igmp v2 report 239\.1\.1\.2|gaddr 239\.1\.1\.1 is_ex/g)].length,
  });
  const seen = await until("reports of both", reports, ({ second, third }) => second >= 2 && third >= 3, {
    deadlineMs: 10_000,
  });
  expect(seen.other).toBe(0);
  expect(seen.third).toBeGreaterThanOrEqual(seen.second);
  const warned = async () => (await ruleOf(relay, "feed")).warnings ?? [];
  const [warning] = await until("the warning", warned, ({ length }) => length === 1);
  expect(warning).toContain("out0 speaks IGMPv3: the group is joined in that version");
  expect((await relay.tryCtl("explain", "feed")).stdout).toContain("force_igmp_version=2");
  lab.sysctl("relay", "net.ipv4.conf.out0.force_igmp_version", 2);
  await until("it speaks what the rule wants", warned, ({ length }) => length === 0);
  await relay.stop();
});
