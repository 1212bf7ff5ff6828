// From options to settings: each option checked by itself, then against the others. Pure.
import { z } from "zod";
import { isMulticast, parseIpv4 } from "../base/ipv4.ts";
import { done, failed, type Outcome } from "../base/outcome.ts";
import { printable } from "../base/printable.ts";
import type { Given } from "../ctl/verb.ts";
import { limits } from "../limits.ts";
import { parseQuantity, parseSizes, parseWhole } from "./quantity.ts";
import { expand, type Target } from "./targets.ts";

/** An option's text made a value by `parse`, or an issue that says what was expected. */
function text<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.string().transform((given, context): T => {
    const value = parse(given);
    if (value !== undefined) {
      return value;
    }
    context.addIssue({ code: "custom", message: `expected ${expected}, got '${printable(given)}'` });
    return z.NEVER;
  });
}

function whole(low: number, high: number) {
  return text(`a whole number from ${low} to ${high}`, (given) => parseWhole(given, low, high));
}

const countMax = Number.MAX_SAFE_INTEGER;
const seconds = text("seconds, above 0 and up to a year", (given) => {
  const value = parseQuantity(given);
  return value !== undefined && value > 0 && value <= 366 * 86_400 ? value : undefined;
});
const address = text("an IPv4 address", parseIpv4);
const port = whole(1, 65_535);
const flowStep = text("port or group", (given) => (given === "port" || given === "group" ? given : undefined));
const positive = (given: string) => {
  const value = parseQuantity(given);
  return value !== undefined && value > 0 && value <= 1e12 ? value : undefined;
};

const genSchema = z.object({
  group: address,
  port,
  interface: z.string().optional(),
  rate: text("a number above 0, or max", (given) => (given === "max" ? 0 : positive(given))).optional(),
  bitrate: text("a number above 0", positive).optional(),
  size: text(`bytes up to ${limits.datagramSizeMax}, or a range such as 0-1472`, (given) =>
    parseSizes(given, limits.datagramSizeMax),
  ).default({ low: 1024, high: 1024 }),
  count: whole(1, countMax).optional(),
  duration: seconds.optional(),
  flows: whole(1, limits.trafficFlowsMax).default(1),
  "flow-step": flowStep.default("port"),
  burst: whole(1, 65_536).default(1),
  gso: whole(1, limits.trafficSegmentsMax).default(1),
  ttl: whole(1, 255).optional(),
  "source-ip": address.optional(),
  seed: whole(0, 0xffff_ffff).default(1),
});

type GenOptions = z.infer<typeof genSchema>;

/** What to send. `rate` is in datagrams a second, 0 is as fast as it goes; `link` a link's name or one of its addresses. */
export type GenSettings = Pick<GenOptions, "size" | "count" | "duration" | "burst" | "gso" | "ttl" | "seed"> & {
  targets: Target[];
  link: string | undefined;
  rate: number;
  sourceIp: number | undefined;
  /** What every datagram carries instead of gen's own payload; as long as `size` says. */
  payload?: Uint8Array;
  /** Burns the time between sends instead of sleeping. */
  spins?: true;
};

const targetWithPort = text("an IPv4 address, or one with :PORT", (given) => {
  const [group, own, ...rest] = given.split(":");
  const value = parseIpv4(group ?? "");
  const ownPort = own === undefined ? undefined : parseWhole(own, 1, 65_535);
  const isWrong = value === undefined || rest.length > 0 || (own !== undefined && ownPort === undefined);
  return isWrong ? undefined : { group: value, port: ownPort };
});

const sinkSchema = z.object({
  group: z.array(targetWithPort),
  port: port.optional(),
  interface: z.string().optional(),
  flows: whole(1, limits.trafficFlowsMax).default(1),
  "flow-step": flowStep.default("port"),
  count: whole(1, countMax).optional(),
  duration: seconds.optional(),
  idle: seconds.optional(),
  expect: whole(0, countMax).optional(),
  rcvbuf: whole(4_096, 2 ** 30).default(limits.trafficReceiveBufferSize),
  "ready-fd": whole(0, 65_535).optional(),
});

type SinkOptions = z.infer<typeof sinkSchema>;

/** What to hear and when to end; times in seconds. */
export type SinkSettings = Pick<SinkOptions, "count" | "duration" | "idle" | "expect" | "rcvbuf"> & {
  targets: Target[];
  link: string | undefined;
  readyFd: number | undefined;
};

/** Checks the options of gen; the error names the option and what it takes. */
export function genSettings(given: Given): Outcome<GenSettings> {
  const parsed = read(genSchema, given);
  if (!parsed.ok) {
    return parsed;
  }
  const { group, interface: link, "flow-step": step, "source-ip": sourceIp, rate, bitrate, ...rest } = parsed.value;
  const refusal = genConflict(parsed.value);
  if (refusal !== undefined) {
    return failed(refusal);
  }
  const targets = expand([{ group, port: rest.port }], rest.flows, step);
  if (!targets.ok) {
    return targets;
  }
  const bits = ((rest.size.low + rest.size.high) / 2) * 8;
  const datagramRate = bitrate === undefined ? (rate ?? 1000) : bitrate / bits;
  return done({ ...rest, targets: targets.value, link, sourceIp, rate: datagramRate });
}

function genConflict(options: GenOptions): string | undefined {
  const { low, high } = options.size;
  if (options.rate !== undefined && options.bitrate !== undefined) {
    return "--rate and --bitrate: give one of them";
  }
  if (options.bitrate !== undefined && high === 0) {
    return "--bitrate: datagrams of size 0 carry no bits; give --rate";
  }
  if (options.gso > 1 && (low !== high || high === 0 || options.gso * high > limits.datagramSizeMax)) {
    return `--gso: needs one --size above 0, and at most ${limits.datagramSizeMax} bytes in a send`;
  }
  return isMulticast(options.group) && options.interface === undefined
    ? "--interface: name the link that the group is reached by"
    : undefined;
}

/** Checks the options of sink. */
export function sinkSettings(given: Given): Outcome<SinkSettings> {
  const parsed = read(sinkSchema, given);
  if (!parsed.ok) {
    return parsed;
  }
  const { group, port: common, interface: link, flows, "flow-step": step, "ready-fd": readyFd, ...rest } = parsed.value;
  const firsts: Target[] = [];
  for (const wanted of group.length > 0 ? group : [{ group: 0, port: undefined }]) {
    const each = wanted.port ?? common;
    if (each === undefined) {
      return failed("--port: name the port to listen on");
    }
    firsts.push({ group: wanted.group, port: each });
  }
  if (firsts.some((first) => isMulticast(first.group)) && link === undefined) {
    return failed("--interface: name the link to join the group on");
  }
  if (firsts.length * flows > limits.trafficFlowsMax) {
    return failed(`--flows: at most ${limits.trafficFlowsMax} flows in all`);
  }
  const targets = expand(firsts, flows, step);
  const idle = rest.idle ?? (rest.expect === undefined ? undefined : 2);
  return targets.ok ? done({ ...rest, idle, targets: targets.value, link, readyFd }) : targets;
}

function read<T extends z.ZodObject>(schema: T, given: Given): Outcome<z.infer<T>> {
  const raw: Record<string, unknown> = {};
  for (const name of Object.keys(schema.shape)) {
    raw[name] = schema.shape[name] instanceof z.ZodArray ? given.texts(name) : given.text(name);
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) {
    return done(parsed.data);
  }
  const [issue] = parsed.error.issues;
  return failed(`--${String(issue?.path[0])}: ${issue?.message}`);
}
