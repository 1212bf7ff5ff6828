// One frame of every kind that a relay gets wrong: what may pass passes unchanged, what may not is refused by name.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  arpFrame,
  espFrame,
  ethernet,
  etherTypes,
  type FrameLies,
  fragmentFrames,
  groupMac,
  join,
  patternPayload,
  tcpFrame,
  udpFrame,
} from "../helpers/frames.ts";
import { Listener } from "../helpers/listener.ts";
import { rawsend, rawsendSuper, superFrame } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { type Status, statusOf } from "../helpers/status.ts";
import { bench, macOf } from "../helpers/traffic.ts";

const lab = bench("frames");
afterAll(() => lab.close());
// A super-frame is to arrive as one.
lab.offloads("gen", "out0", { "tx-udp-segmentation": true });

const flow = { source: "10.0.1.1", destination: "239.1.1.1", sourcePort: 4000, destinationPort: 5000 };
const here = { ...flow, destination: "10.0.1.2", destinationPort: 5500 };
const hereMac = macOf(lab, "relay", "in0");
const toHere: FrameLies = { ethernet: { destination: hereMac } };
const hex = (size: number, number = 0) => patternPayload(size, number).toHex();

let sentinels = 0;

/** What one test sends: as built, or as super-frames. */
type Sending = { frames?: readonly Uint8Array[]; supers?: readonly Uint8Array[] };

/** The sums of what the relay counted. */
function counts({ frames }: Status): Record<string, number> {
  const { received, matched, no_match, kernel_drops, refusals } = frames;
  return { received, matched, no_match, kernel_drops, ...refusals };
}

/** Sends, then one right datagram more; returns what came out before that, and by how much each counter moved. */
async function pass(relay: Relay, listener: Listener, { frames = [], supers = [] }: Sending) {
  const before = counts(await statusOf(relay));
  const already = listener.heard.length;
  sentinels += 1;
  const last = join(new TextEncoder().encode("sentinel"), patternPayload(20, sentinels));
  if (supers.length > 0) rawsendSuper(lab, "gen", "out0", supers);
  rawsend(lab, "gen", "out0", [...frames, udpFrame(flow, last)]);
  const payloads = await listener.before(last.toHex(), already);
  const after = counts(await statusOf(relay));
  const names = Object.keys(after).filter((name) => (after[name] ?? 0) !== (before[name] ?? 0));
  const moved = Object.fromEntries(names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
  // The sentinel itself is one that was received and matched.
  const { received = 0, matched = 0, ...others } = moved;
  return { payloads, received: received - 1, matched: matched - 1, others };
}

/** Nothing came out, and one counter moved by one. */
function refused(name: string) {
  return { payloads: [], received: 1, matched: 0, others: { [name]: 1 } };
}

/** The kernel's filter kept the frame from user space. */
const unseen = { payloads: [], received: 0, matched: 0, others: {} };

function passed(...payloads: string[]) {
  return { payloads, received: payloads.length, matched: payloads.length, others: {} };
}

describe.each(["split", "unified"])("in the pipeline %s", (pipeline) => {
  let relay: Relay;
  let listener: Listener;
  let echo: Listener;

  beforeAll(async () => {
    relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", pipeline]);
    const outputs = [{ group: "239.2.2.2", port: 5001, interface: "out0" }];
    const rule = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000, outputs };
    await relay.must({ AddRule: { name: "multicast", ...rule } });
    await relay.must({ AddRule: { name: "unicast", ...rule, input_group: "10.0.1.2", input_port: 5500 } });
    // What the relay itself sends out of out0, to the same group and port, is not an arrival there.
    const back = [{ group: "239.3.3.3", port: 5003, interface: "out1" }];
    const own = { input_interface: "out0", input_group: "239.2.2.2", input_port: 5001, outputs: back };
    await relay.must({ AddRule: { name: "own", ...own } });
    listener = await Listener.start(lab, "sink", 5001, { group: "239.2.2.2", linkAddress: "10.0.2.2" });
    echo = await Listener.start(lab, "sink", 5003, { group: "239.3.3.3", linkAddress: "10.0.3.2" });
  });
  afterAll(async () => {
    await relay.stop();
    await lab.endAll();
  });

  describe("passes", () => {
    const options = Uint8Array.of(0x94, 4, 0, 0);
    const right: [what: string, frame: Uint8Array, payload: string][] = [
      ["a plain datagram", udpFrame(flow, patternPayload(100)), hex(100)],
      ["an empty datagram", udpFrame(flow, patternPayload(0)), ""],
      ["a full datagram of 1,472 bytes", udpFrame(flow, patternPayload(1472)), hex(1472)],
      ["one without a UDP checksum", udpFrame(flow, patternPayload(99), { udp: { checksum: "none" } }), hex(99)],
      ["one with IP options", udpFrame(flow, patternPayload(98), { ipv4: { options } }), hex(98)],
      ["one for this host's own address", udpFrame(here, patternPayload(97), toHere), hex(97)],
      [
        "one with a priority tag, which is no VLAN",
        udpFrame(flow, patternPayload(96), { ethernet: { vlans: [{ id: 0, priority: 5 }] } }),
        hex(96),
      ],
      [
        "one that is padded to Ethernet's least size, without the padding",
        join(udpFrame(flow, patternPayload(3)), new Uint8Array(15)),
        hex(3),
      ],
    ];
    test.each(right)("%s", async (_, frame, payload) => {
      expect(await pass(relay, listener, { frames: [frame] })).toEqual(passed(payload));
    });

    test("a datagram in fragments, put together again", async () => {
      const frames = fragmentFrames(flow, patternPayload(3000), 1480);
      expect(frames).toHaveLength(3);
      expect(await pass(relay, listener, { frames })).toEqual(passed(hex(3000)));
    });

    test("a datagram in fragments that come in the wrong order", async () => {
      const frames = fragmentFrames(flow, patternPayload(2900), 1480, { ipv4: { identification: 7 } }).reverse();
      expect(await pass(relay, listener, { frames })).toEqual(passed(hex(2900)));
    });

    test("the datagrams that a super-frame holds, each by itself, the last one shorter", async () => {
      const whole = patternPayload(1050);
      const supers = [superFrame(udpFrame(flow, whole), 100)];
      const parts = Array.from({ length: 11 }, (_, at) => whole.subarray(at * 100, at * 100 + 100).toHex());
      const outcome = await pass(relay, listener, { supers });
      expect(outcome).toEqual({ payloads: parts, received: 1, matched: 1, others: {} });
    });

    test("the datagrams of a super-frame of 60,000 bytes, which no capture slot holds", async () => {
      const whole = patternPayload(60_000);
      const supers = [superFrame(udpFrame(flow, whole), 1400)];
      const parts = Array.from({ length: 43 }, (_, at) => whole.subarray(at * 1400, at * 1400 + 1400).toHex());
      const outcome = await pass(relay, listener, { supers });
      expect(outcome).toEqual({ payloads: parts, received: 1, matched: 1, others: {} });
    });

    test("a datagram whose checksum its sender left to the link", async () => {
      const supers = [superFrame(udpFrame(flow, patternPayload(200)), 0)];
      expect(await pass(relay, listener, { supers })).toEqual(passed(hex(200)));
    });
  });

  describe("refuses by name", () => {
    const payload = patternPayload(100);
    const built = (lies: FrameLies) => udpFrame(flow, payload, lies);
    const wrong: [what: string, frame: Uint8Array, name: string][] = [
      ["a frame for VLAN 600", built({ ethernet: { vlans: [{ id: 600 }] } }), "vlan"],
      ["a wrong UDP checksum", built({ udp: { checksum: "wrong" } }), "udp_checksum"],
      ["a wrong IP checksum", built({ ipv4: { headerChecksum: 0x1234 } }), "ip_checksum"],
      ["a datagram cut off by 20 bytes", built({}).subarray(0, -20), "truncated"],
      ["an IP length beyond the frame", built({ ipv4: { totalLength: 200 } }), "truncated"],
      ["an IP length below its header", built({ ipv4: { totalLength: 12 } }), "ip_header"],
      ["an IP header of four words", built({ ipv4: { headerWords: 4 } }), "ip_header"],
      ["IP version 6 in an IPv4 frame", built({ ipv4: { version: 6 } }), "ip_header"],
      ["a UDP length beyond the packet", built({ udp: { length: 109 } }), "udp_length"],
      ["a UDP length below its header", built({ udp: { length: 7 } }), "udp_length"],
      ["an IP packet too short for a UDP header", built({ ipv4: { totalLength: 24 } }), "udp_length"],
    ];
    test.each(wrong)("%s", async (_, frame, name) => {
      expect(await pass(relay, listener, { frames: [frame] })).toEqual(refused(name));
    });

    test("a right datagram for a port that no rule names, as no match", async () => {
      const frames = [udpFrame({ ...flow, destinationPort: 5999 }, payload)];
      expect(await pass(relay, listener, { frames })).toEqual(refused("no_match"));
    });
  });

  describe("never sees", () => {
    const payload = patternPayload(100);
    const lonely = fragmentFrames(flow, patternPayload(3000), 1480, { ipv4: { identification: 99 } });
    const foreign: [what: string, frame: Uint8Array][] = [
      ["ARP", arpFrame("10.0.1.1", "10.0.1.99")],
      ["IPv6", ethernet({ destination: groupMac("239.1.1.1"), type: etherTypes.ipv6 }, new Uint8Array(60))],
      ["TCP", tcpFrame(flow)],
      ["ESP, while no rule wants it", espFrame(flow.source, flow.destination, 1, 1, payload)],
      ["a group that no rule names", udpFrame({ ...flow, destination: "239.1.1.2" }, payload)],
      ["another host's unicast, by its Ethernet address", udpFrame(here, payload)],
      ["a frame with two VLAN tags", udpFrame(flow, payload, { ethernet: { vlans: [{ id: 600 }, { id: 7 }] } })],
      ["a fragment whose rest never comes", lonely[0] ?? payload],
    ];
    test.each(foreign)("%s", async (_, frame) => {
      expect(await pass(relay, listener, { frames: [frame] })).toEqual(unseen);
    });

    test("what it sends itself, though another rule names just that group on that link", async () => {
      await pass(relay, listener, { frames: [udpFrame(flow, patternPayload(50))] });
      const { rules } = await statusOf(relay);
      expect(rules.find((rule) => rule.name === "own")?.datagrams).toBe(0);
      expect(echo.heard).toEqual([]);
      // The rule does work: the same datagram from somebody else on that link comes out.
      const arrival = { ...flow, source: "10.0.2.2", destination: "239.2.2.2", destinationPort: 5001 };
      rawsend(lab, "sink", "in0", [udpFrame(arrival, patternPayload(51))]);
      expect(await echo.before(hex(51))).toEqual([]);
    });
  });
});
