// mcrgen: MCR's traffic generator by its command line and its words (INTEROP.md 1.3). What sends is our `gen`; without --payload
// its datagrams are numbered and timed, so that `sink` can tell what became of them.
import { parseIpv4 } from "../base/ipv4.ts";
import { programVersion } from "../base/version.ts";
import { limits } from "../limits.ts";
import { generate } from "../traffic/gen.ts";
import { findLink } from "../traffic/link.ts";
import { openSenders } from "../traffic/open.ts";
import type { GenSettings } from "../traffic/settings.ts";
import { call } from "./call.ts";
import type { Matched, Options, Program, SubCommand } from "./clap.ts";
import { beginning, type GenRun, type Mode, modes, progress, summary } from "./mcrgen-words.ts";
import type { Stage } from "./stage.ts";
import { ipv4, isGroup, u16, u64 } from "./values.ts";

const options: Options = {
  group: { value: "GROUP", about: "Destination address", required: true, check: ipv4 },
  port: { value: "PORT", about: "Destination port", required: true, check: u16 },
  interface: { value: "IPV4", about: "Address of the interface to send by", required: true, check: ipv4 },
  rate: { value: "N", about: "Datagrams a second", default: "1000", check: u64 },
  size: { value: "BYTES", about: "Size of the payload", default: "1024", check: u64 },
  count: { value: "N", about: "Datagrams to send; 0: until stopped", default: "0", check: u64 },
  payload: { value: "TEXT", about: "What they carry, cut or filled with zeros to --size" },
  mode: { value: "MODE", about: "async, spin or burst", default: "async", check: modeProblem },
  batch: { value: "N", about: "Datagrams a call in burst mode", default: "1", check: u64 },
  quiet: { short: "q", about: "Print nothing but errors" },
};

const program: Program<SubCommand> = {
  name: "mcrgen",
  version: programVersion,
  about: "Generate multicast traffic",
  options,
  anywhere: {},
  commands: [],
};

/** Runs `mcrgen …args`; returns the exit code. */
export async function run(args: readonly string[], stage: Stage): Promise<number> {
  const line = call(program, args, stage);
  if (line.kind === "over") return line.code;
  const { given } = line;
  const wanted = runOf(given);
  const problem = problemOf(wanted);
  if (problem !== undefined) {
    stage.complain(`Configuration error: ${problem}`);
    return 1;
  }
  return send(wanted, given, stage);
}

async function send(wanted: GenRun, given: Matched, stage: Stage): Promise<number> {
  const isAny = parseIpv4(wanted.interface) === 0;
  const link = isGroup(wanted.group) && !isAny ? findLink(wanted.interface) : undefined;
  const settings = settingsOf(wanted, given.get("payload")?.[0]);
  const fds = link?.ok === false ? link : openSenders(settings, link?.value);
  if (!fds.ok) {
    stage.complain(`Error: ${fds.error}`);
    return 1;
  }
  const say = given.has("quiet") ? () => undefined : stage.say;
  say(beginning(wanted));
  const result = await generate(settings, fds.value, (second) => say(progress(second)));
  say(summary(wanted, result));
  return 0;
}

function runOf(given: Matched): GenRun {
  const text = (name: string) => given.get(name)?.[0] ?? options[name]?.default ?? "";
  return {
    group: text("group"),
    port: Number(text("port")),
    interface: text("interface"),
    rate: Number(text("rate")),
    size: Number(text("size")),
    count: Number(text("count")),
    mode: modes.find((mode) => mode === text("mode")) ?? "async",
    batch: Number(text("batch")),
  };
}

function modeProblem(value: string): string | undefined {
  return modes.some((mode) => mode === value) ? undefined : `possible values: ${modes.join(", ")}`;
}

function problemOf({ size, rate, mode, batch, port }: GenRun): string | undefined {
  if (size === 0) {
    return "packet size must be greater than 0";
  }
  if (size > limits.datagramSizeMax) {
    return `packet size must be at most ${limits.datagramSizeMax} bytes`;
  }
  if (rate === 0 && mode !== "burst") {
    return "rate must be greater than 0";
  }
  if (batch === 0) {
    return "batch size must be greater than 0";
  }
  return port === 0 ? "port must be greater than 0" : undefined;
}

/** How many datagrams leave together: what MCR's timer of 1,000 ticks a second would send in one, or a batch. */
const burstOf: Record<Mode, (wanted: GenRun) => number> = {
  async: ({ rate }) => Math.ceil(rate / 1000),
  spin: () => 1,
  burst: ({ batch }) => batch,
};

function settingsOf(wanted: GenRun, payload: string | undefined): GenSettings {
  const { group, port, rate, size, count, mode } = wanted;
  const address = parseIpv4(wanted.interface);
  return {
    targets: [{ group: parseIpv4(group) ?? 0, port }],
    link: wanted.interface,
    rate: mode === "burst" ? 0 : rate,
    size: { low: size, high: size },
    count: count === 0 ? undefined : count,
    duration: undefined,
    burst: burstOf[mode](wanted),
    gso: 1,
    ttl: undefined,
    seed: 1,
    sourceIp: address === 0 ? undefined : address,
    ...(payload === undefined ? {} : { payload: filled(payload, size) }),
    ...(mode === "spin" ? { spins: true as const } : {}),
  };
}

function filled(payload: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(payload).subarray(0, size));
  return bytes;
}
