// Hostile frames on the live binary: what comes out is what the reference says, datagram by datagram; what does not is counted
// under the name that the reference has for it; nothing keeps a slot. FUZZ_FRAMES and FUZZ_SEED (npm run fuzz) do more, or again.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { udpFrame } from "../helpers/frames.ts";
import { Listener } from "../helpers/listener.ts";
import { Mutator } from "../helpers/mutate.ts";
import { type Fate, fateOf } from "../helpers/predict.ts";
import { rawsend, rawsendAnyway } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { settled, statusOf } from "../helpers/status.ts";
import { bench, macOf } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const frameCount = Number(process.env["FUZZ_FRAMES"] ?? 12_000);
const seed = Number(process.env["FUZZ_SEED"] ?? 20_261_122);
const batchSize = 400;
const flow = { source: "10.0.1.1", destination: "239.1.1.1", sourcePort: 4000, destinationPort: 5000 };

const lab = bench("fuzz");
lab.offloads("gen", "out0", { "tx-udp-segmentation": true });
// Seconds until the kernel gives up on fragments whose rest never comes; until then they take room from others.
lab.sysctl("relay", "net.ipv4.ipfrag_time", 1);
const wanted = {
  group: 0xef010101,
  port: 5000,
  mac: Uint8Array.from(
    macOf(lab, "relay", "in0")
      .split(":")
      .map((part) => Number.parseInt(part, 16)),
  ),
};
let relay: Relay;
let listener: Listener;
let sentinels = 0;

beforeAll(async () => {
  relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const outputs = [{ group: "10.0.2.2", port: 5001, interface: "out0" }];
  const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 };
  await relay.must({ AddRule: { name: "feed", ...input, outputs } });
  listener = await Listener.start(lab, "sink", 5001);
});
afterAll(async () => {
  await lab.endAll();
  await lab.close();
});

/** Payloads (hex) that come out before a datagram sent behind all that was sent since `already` had been heard. */
async function cameOut(already: number): Promise<string[]> {
  const last = new TextEncoder().encode(`the last of batch ${++sentinels}`);
  rawsend(lab, "gen", "out0", [udpFrame(flow, last)]);
  return listener.before(last.toHex(), already);
}

/** The same where more may come than a plain socket holds: all has left, and is read, before the last one is sent. */
async function cameOutInTheEnd(already: number): Promise<string[]> {
  let before = -1;
  const isSilent = (heard: number) => {
    const isSame = heard === before;
    before = heard;
    return isSame;
  };
  await until("silence", () => listener.heard.length, isSilent, { everyMs: 30 });
  return cameOut(already);
}

async function counted(): Promise<Record<string, number>> {
  const { no_match, kernel_drops, matched, refusals } = (await statusOf(relay)).frames;
  return { no_match, kernel_drops, matched, ...refusals };
}

/** After everything: no slot is held, every sum holds, the worker is the first one, and it forwards. */
async function unharmed(pid: number): Promise<void> {
  await settled(relay, "feed");
  const check = await relay.tryCtl("stats", "--check");
  expect(check).toMatchObject({ exitCode: 0 });
  expect(relay.workerPids()).toEqual([pid]);
  // A ring of 8,192 slots of which one were held would stop there at the latest when it has gone around once.
  const frames = Array.from({ length: 9_000 }, (_, at) => udpFrame(flow, Uint8Array.of(at >> 8, at & 0xff)));
  const before = await statusOf(relay);
  rawsendAnyway(lab, "gen", "out0", frames, { isVnet: false, paceUs: 1 });
  const after = await until(
    "all are there",
    () => statusOf(relay),
    (each) => each.frames.matched >= before.frames.matched + 9_000,
  );
  expect(after.frames.kernel_drops).toBe(before.frames.kernel_drops);
  expect(relay.log).not.toMatch(/ (error|critical|panic) /i);
}

test(
  `${frameCount} frames with wrong fields (seed ${seed}): what leaves, and what is counted, is what the reference says`,
  async () => {
    const [pid = 0] = relay.workerPids();
    const mutator = new Mutator(flow, seed);
    const seen = new Map<string, number>();
    for (let done = 0; done < frameCount; done += batchSize) {
      const frames = Array.from({ length: batchSize }, () => mutator.frame());
      const already = listener.heard.length;
      const before = await counted();
      const unsent = rawsendAnyway(lab, "gen", "out0", frames, { isVnet: false, paceUs: 20 });
      const sent = frames.filter((_, at) => !unsent.has(at));
      const fates: Fate[] = sent.map((frame) => fateOf(frame, wanted));
      const payloads = await cameOut(already);
      const expected = fates.flatMap((fate) => (typeof fate === "string" ? [] : fate.map((each) => each.toHex())));
      if (!Bun.deepEquals(payloads, expected)) {
        const at = payloads.findIndex((payload, index) => payload !== expected[index]);
        throw new Error(
          `batch at ${done}: ${payloads.length} came, ${expected.length} expected; first at ${at}: ${payloads[at]} for ${expected[at]}`,
        );
      }
      // Every frame under its name: what the relay counted of the batch, and what the reference says of it.
      const after = await counted();
      const names = Map.groupBy(fates, (fate) => (typeof fate === "string" ? fate : "matched"));
      const all = new Set([...Object.keys(after), ...names.keys()].filter((name) => name !== "unseen"));
      const moved = [...all].map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]);
      const foretold = [...all].map((name) => [name, (names.get(name)?.length ?? 0) + (name === "matched" ? 1 : 0)]);
      expect({ done, moved: Object.fromEntries(moved) }).toEqual({ done, moved: Object.fromEntries(foretold) });
      for (const [name, list] of names) seen.set(name, (seen.get(name) ?? 0) + list.length);
    }
    // Otherwise the frames would prove nothing.
    const wantedNames = [
      "matched",
      "unseen",
      "no_match",
      "vlan",
      "ip_header",
      "ip_checksum",
      "truncated",
      "udp_length",
      "udp_checksum",
    ];
    expect(wantedNames.filter((name) => (seen.get(name) ?? 0) < 20)).toEqual([]);
    await unharmed(pid);
  },
  Math.max(120_000, frameCount * 10),
);

test("fragments in any order, doubled, overlapping or incomplete: whole datagrams come out, and never a mixture", async () => {
  const [pid = 0] = relay.workerPids();
  const waiting = () => lab.read("relay", "/proc/net/sockstat");
  await until("no fragment waits any more", waiting, (text) => text.includes("FRAG: inuse 0 "), { deadlineMs: 30_000 });
  // From another host: what the first test left in the kernel's reassembly must not meet these.
  const mutator = new Mutator({ ...flow, source: "10.0.1.7" }, seed + 1);
  for (let round = 0; round < Math.max(10, frameCount / 1_000); round++) {
    const sets = Array.from({ length: 40 }, () => mutator.fragments());
    const already = listener.heard.length;
    rawsendAnyway(
      lab,
      "gen",
      "out0",
      sets.flatMap(({ frames }) => frames),
      { isVnet: false, paceUs: 20 },
    );
    const expected = sets.filter(({ isWhole }) => isWhole).map(({ payload }) => payload.toHex());
    expect(await cameOut(already)).toEqual(expected);
  }
  await unharmed(pid);
}, 120_000);

test("super-frames with lies in their virtio header, and large ones: a payload comes out as it was cut, or not at all", async () => {
  const [pid = 0] = relay.workerPids();
  const mutator = new Mutator(flow, seed + 2);
  let right = 0;
  for (let round = 0; round < Math.max(30, frameCount / 300); round++) {
    const frames = Array.from({ length: 12 }, () => mutator.vnetFrame());
    const already = listener.heard.length;
    const unsent = rawsendAnyway(lab, "gen", "out0", frames, { isVnet: true, paceUs: 500 });
    const payloads = await cameOutInTheEnd(already);
    // All of a datagram's bytes are a pattern that names its frame: a piece of another, or of something else, would not fit.
    const whole = frames.filter((_, at) => !unsent.has(at)).map((frame) => frame.subarray(10 + 42).toHex());
    let from = 0;
    for (const payload of payloads) {
      const at = whole.findIndex((each, index) => index >= from && each.includes(payload));
      expect({ round, payload: at < 0 ? payload : "" }).toEqual({ round, payload: "" });
      from = at;
      right++;
    }
  }
  expect(right).toBeGreaterThan(1_000);
  await unharmed(pid);
}, 120_000);
