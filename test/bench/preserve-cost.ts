// What it costs that datagrams keep their sender: sockets alone (UDP, raw IP, packet), then the compiled relay with an ordinary output
// and with one that preserves its sender, in turns.
// Usage: bun test/bench/preserve-cost.ts [ROUNDS]    default 5; as root, after a build
import type { Pointer } from "bun:ffi";
import { parseIpv4 } from "../../src/base/ipv4.ts";
import { Message, Piece } from "../../src/shim/abi.ts";
import { bindCapture } from "../../src/shim/capture.ts";
import { shim } from "../../src/shim/library.ts";
import { map } from "../../src/shim/memory.ts";
import { isFailure, openPacket } from "../../src/shim/socket.ts";
import { Links } from "../../src/supervise/kernel/links.ts";
import { openOutput } from "../../src/supervise/outputs/output-sockets.ts";
import { inside } from "../helpers/enter.ts";
import { ethernet, groupMac, udpFrame } from "../helpers/frames.ts";
import { Relay } from "../helpers/relay.ts";
import { ruleOf, statusOf } from "../helpers/status.ts";
import { bench, generate } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const rounds = Number(process.argv[2] ?? "5");
const [payloadSize, chain, sends] = [1400, 16, 20_000];
const monotonic = 1;
const half = 0x1_0000_0000;
const to = { interface: "out0", group: parseIpv4("239.2.2.2") ?? 0, port: 5001, protocol: 17 };
const lab = bench("preserve-cost");

/** `chain` messages of the same `bytes`, for sendmmsg. */
function messagesOf(bytes: Uint8Array): Pointer {
  const memory = map(chain * (Message.size + Piece.size) + 2048);
  const base = Number(memory.pointer);
  const payload = chain * (Message.size + Piece.size);
  memory.u8.set(bytes, payload);
  for (let at = 0; at < chain; at++) {
    const [message, piece] = [at * Message.size, chain * Message.size + at * Piece.size];
    memory.u32.set([(base + payload) % half, (base + payload) / half, bytes.length], piece / 4);
    memory.u32[(message + Message.pieces_low) / 4] = (base + piece) % half;
    memory.u32[(message + Message.pieces_high) / 4] = (base + piece) / half;
    memory.u32[(message + Message.piece_count) / 4] = 1;
  }
  return memory.pointer;
}

function nsOfOne(fd: number, messages: Pointer): number {
  const before = shim.mcr_clock_ns(monotonic);
  for (let sent = 0; sent < sends; ) sent += Math.max(0, shim.mcr_send_many(fd, messages, chain));
  return (shim.mcr_clock_ns(monotonic) - before) / sends;
}

function socketsAlone(): Record<string, () => number> {
  const links = inside(lab.ns("relay"), () => Links.open());
  if (isFailure(links)) throw new Error(`no links: ${links.step}`);
  links.poll();
  const frame = udpFrame(
    { source: "172.16.9.9", sourcePort: 7, destination: "239.2.2.2", destinationPort: 5001 },
    new Uint8Array(payloadSize),
  );
  const output = (isStamped: boolean) => inside(lab.ns("relay"), () => openOutput(links, { ...to, isStamped }));
  const [udp, raw] = [output(false), output(true)];
  const packet = inside(lab.ns("relay"), openPacket);
  if (!("fd" in udp && "fd" in raw) || isFailure(packet)) throw new Error("a socket could not be opened");
  bindCapture(packet, Number(lab.read("relay", "/sys/class/net/out0/ifindex")));
  const whole = ethernet({ destination: groupMac("239.2.2.2") }, frame.subarray(14));
  const kinds = {
    "UDP, a datagram a send": [udp.fd, messagesOf(new Uint8Array(payloadSize))],
    "raw IP (taken)": [raw.fd, messagesOf(frame.subarray(14))],
    AF_PACKET: [packet, messagesOf(whole)],
  } as const;
  return Object.fromEntries(Object.entries(kinds).map(([name, [fd, messages]]) => [name, () => nsOfOne(fd, messages)]));
}

/** Measures of the relay at `rate` a second: CPU of its worker, ns a datagram. */
async function relayed(): Promise<Record<string, () => Promise<number>>> {
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--pipeline", "unified"]);
  const cpu = async () => (await statusOf(relay)).workers[0]?.cpu_seconds ?? 0;
  let dropped = 0;
  const measure = async (preserve_source: boolean, rate: number) => {
    const outputs = [{ group: "239.2.2.2", port: 5001, interface: "out0", preserve_source }];
    const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 };
    await relay.must({ AddRule: { name: "feed", ...input, outputs } });
    const before = await cpu();
    const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--size", `${payloadSize}`];
    await generate(lab, "gen", [...stream, "--rate", `${rate}`, "--count", `${rate}`]);
    // What the kernel dropped for want of a free slot never reaches the rule, and an output that changed counts from 0.
    const { kernel_drops } = (await statusOf(relay)).frames;
    const sent = async () => (await ruleOf(relay, "feed")).outputs[0]?.datagrams_sent ?? 0;
    await until("all have left", sent, (count) => count + kernel_drops - dropped >= rate);
    dropped = kernel_drops;
    return (((await cpu()) - before) / (await sent())) * 1e9;
  };
  return {
    "relay, ordinary output, 20,000/s": () => measure(false, 20_000),
    "relay, preserve_source, 20,000/s": () => measure(true, 20_000),
    "relay, ordinary output, 50,000/s": () => measure(false, 50_000),
    "relay, preserve_source, 50,000/s": () => measure(true, 50_000),
  };
}

try {
  const measures: Record<string, () => number | Promise<number>> = { ...socketsAlone(), ...(await relayed()) };
  const found = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(measures)) {
      found.set(name, [...(found.get(name) ?? []), await measure()]);
    }
  }
  console.log(`ns a datagram of ${payloadSize} bytes, median (least to most) of ${rounds} rounds`);
  for (const [name, values] of found) {
    const sorted = values.toSorted((a, b) => a - b);
    const [low, median, high] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((each) =>
      (each ?? 0).toFixed(),
    );
    console.log(`${name.padEnd(36)}${median} (${low} to ${high})`);
  }
} finally {
  await lab.close();
}
