// Hostile frames on the live binary through the part of it that writes headers: a rule for a prefix, mapped address by address and port
// by port, whose output keeps its sender and marks DSCP. FUZZ_FRAMES and FUZZ_SEED (npm run fuzz) do more, or again.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { udpFrame } from "../helpers/frames.ts";
import { type Heard, Listener } from "../helpers/listener.ts";
import { type Bytes, Mutator } from "../helpers/mutate.ts";
import { fateOf } from "../helpers/predict.ts";
import { rawsend, rawsendAnyway } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { settled } from "../helpers/status.ts";
import { bench, macOf } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const frameCount = Math.max(2_000, Math.round(Number(process.env["FUZZ_FRAMES"] ?? 0) / 4));
const seed = Number(process.env["FUZZ_SEED"] ?? 20_261_123);
const batchSize = 250;
const flow = { source: "10.0.1.1", destination: "239.7.1.1", sourcePort: 4000, destinationPort: 5000 };

const lab = bench("stamped");
const mac = Uint8Array.from(macOf(lab, "relay", "in0").split(":"), (part) => Number.parseInt(part, 16));
let relay: Relay;
let listener: Listener;

beforeAll(async () => {
  // The sink has no way back to senders that nobody knows, and shall hear them all the same.
  for (const link of ["all", "in0"]) lab.sysctl("sink", `net.ipv4.conf.${link}.rp_filter`, 0);
  relay = await Relay.start(lab, "relay", ["--workers", "1"], { readyMs: 20_000 });
  const outputs = [{ group: "239.9.0.0/16", port: "+1000", interface: "out0", preserve_source: true, dscp: 46 }];
  const input = { input_interface: "in0", input_group: "239.7.0.0/16", input_port: "4990-5010" };
  await relay.must({ AddRule: { name: "feed", ...input, join: ["239.7.1.1"], outputs } });
  listener = await Listener.start(lab, "sink", 6000, { group: "239.9.1.1", linkAddress: "10.0.2.2" });
});
afterAll(async () => {
  await lab.endAll();
  await lab.close();
});

/** Who sent a frame that arrives: behind one tag at most. */
function senderOf(frame: Bytes): { address: Bytes; port: number } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const ip = view.getUint16(12) === 0x0800 ? 14 : 18;
  return { address: frame.subarray(ip + 12, ip + 16), port: view.getUint16(ip + (view.getUint8(ip) & 0xf) * 4) };
}

/** Linux takes no datagram from itself, from a group, or from everybody; from 240.0.0.0/4 it does (net/ipv4/route.c). */
function isSender(address: Bytes): boolean {
  const [first = 0] = address;
  return first !== 127 && (first < 224 || first >= 240) && address.some((byte) => byte !== 255);
}

/** What the sink must hear of a frame. */
function heardOf(frame: Bytes): Heard[] {
  const fate = fateOf(frame, { group: 0xef070101, port: 5000, mac });
  if (typeof fate === "string") return [];
  const { address, port } = senderOf(frame);
  // Who has none yet gets the relay's (raw(7)).
  const from = address.some((byte) => byte !== 0) ? address.join(".") : "10.0.2.1";
  return isSender(address) ? fate.map((each) => ({ from: `${from}:${port}`, payload: each.toHex() })) : [];
}

test(
  `${frameCount} frames with wrong fields (seed ${seed}) leave, where they are right, mapped and with their senders`,
  async () => {
    const workers = relay.workerPids();
    const mutator = new Mutator(flow, seed);
    const senders = new Set<string>();
    let right = 0;
    for (let done = 0; done < frameCount; done += batchSize) {
      const frames = Array.from({ length: batchSize }, () => mutator.frame());
      const already = listener.heard.length;
      const unsent = rawsendAnyway(lab, "gen", "out0", frames, { isVnet: false, paceUs: 400 });
      const last = new TextEncoder().encode(`the last of ${done}`);
      rawsend(lab, "gen", "out0", [udpFrame(flow, last)]);
      const heard = await until(
        `the last of ${done}`,
        () => listener.heard.slice(already),
        (all) => all.at(-1)?.payload === last.toHex(),
      );
      const expected = frames.filter((_, at) => !unsent.has(at)).flatMap(heardOf);
      expect({ done, heard: heard.slice(0, -1) }).toEqual({ done, heard: expected });
      for (const { from } of expected) senders.add(from);
      right += expected.length;
    }
    // Otherwise the frames would prove nothing.
    expect([right > frameCount / 10, senders.size > 5]).toEqual([true, true]);
    await settled(relay, "feed");
    expect(await relay.tryCtl("stats", "--check")).toMatchObject({ exitCode: 0 });
    expect(relay.workerPids()).toEqual(workers);
    expect(relay.log).not.toMatch(/ (error|critical|panic) /i);
  },
  Math.max(120_000, frameCount * 10),
);
