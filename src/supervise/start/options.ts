// What the supervisor can be told at its start. Pure: text in, checked options out.
import { isIP } from "node:net";
import { done, failed, type Outcome } from "../../base/outcome.ts";
import { printable } from "../../base/printable.ts";
import { roles } from "../../control/status.ts";
import { limits } from "../../limits.ts";
import { type IoWish, ioWishes } from "../../worker/orders.ts";
import type { Role } from "../outputs/outputs.ts";

export const pipelines = ["auto", "split", "unified"] as const;
export const switches = ["on", "off"] as const;
export const logFormats = ["auto", "text", "json", "journal", "mcr"] as const;
/** Syslog's levels and Trace, most severe first: the index is the severity's number (INTEROP.md 7). */
export const logLevels = [
  "emergency",
  "alert",
  "critical",
  "error",
  "warning",
  "notice",
  "info",
  "debug",
  "trace",
] as const;

/** Other spellings that operators of MCR use. */
const logLevelAliases = new Map<string, LogLevel>([
  ["emerg", "emergency"],
  ["crit", "critical"],
  ["err", "error"],
  ["warn", "warning"],
  ["informational", "info"],
]);

export type Pipeline = (typeof pipelines)[number];
export type LogFormat = (typeof logFormats)[number];
export type LogLevel = (typeof logLevels)[number];

/** Where the metrics page listens. */
export type MetricsAddress = { address: string; port: number };

/** `cores` ascending and unique. `workers` and `cores` agree when both are there. */
export type SuperviseOptions = {
  configPath?: string;
  controlSocketPath: string;
  workers?: number;
  cores?: number[];
  pipeline: Pipeline;
  io: IoWish;
  /** Whether a worker in reserve waits for the death of another. */
  spare: boolean;
  /** What it is until it is told otherwise. */
  role: Role;
  logFormat: LogFormat;
  logLevel: LogLevel;
  metrics?: MetricsAddress;
  /** A group by name whose members may read over the control socket. */
  readGroup?: string;
  /** How often memberships are reported again; 0: never. */
  rejoinIntervalSeconds: number;
  asMcrd?: McrdManner;
};

/** Started as `mcrd`: no file but the one that was named, MCR's exit codes, and its own lines as well (INTEROP.md 1.1). */
export type McrdManner = { linesAsJson: boolean; workersWish?: number };

/** As on the command line; absent means default. */
export type SuperviseTexts = {
  config?: string | undefined;
  controlSocketPath?: string | undefined;
  workers?: string | undefined;
  cores?: string | undefined;
  pipeline?: string | undefined;
  io?: string | undefined;
  spare?: string | undefined;
  role?: string | undefined;
  logFormat?: string | undefined;
  logLevel?: string | undefined;
  metrics?: string | undefined;
  readGroup?: string | undefined;
  rejoinInterval?: string | undefined;
};

/** CONFIG_NR_CPUS of any distribution is below this. */
const coreMax = 8191;

/** The cores of a list such as `0,2-3` (the format of cpuset(7)): ascending, each once. */
export function parseCores(text: string): Outcome<number[]> {
  const cores = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^([0-9]{1,4})(?:-([0-9]{1,4}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first > last || last > coreMax) {
      return failed(`'${printable(part)}' is no core and no range of cores; a list looks like 0,2-3`);
    }
    for (let core = first; core <= last; core++) {
      cores.add(core);
    }
  }
  return done([...cores].sort((a, b) => a - b));
}

function oneOf<T extends string>(
  option: string,
  text: string | undefined,
  words: readonly T[],
  otherwise: T,
): Outcome<T> {
  if (text === undefined) {
    return done(otherwise);
  }
  const word = words.find((known) => known === text.toLowerCase());
  return word === undefined
    ? failed(`--${option} must be one of ${words.join(", ")}, not '${printable(text)}'`)
    : done(word);
}

function parseWorkers(text: string): Outcome<number> {
  const workers = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  return workers >= 1 && workers <= limits.workersMax
    ? done(workers)
    : failed(`--workers must be a number from 1 to ${limits.workersMax}, not '${printable(text)}'`);
}

/** `9470`, `10.0.0.1:9470`, `[::1]:9470`; a port alone is for this machine alone. */
function parseMetrics(text: string): Outcome<MetricsAddress> {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):)?([0-9]{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? "127.0.0.1";
  const port = Number(match?.[3]);
  return match !== null && isIP(address) !== 0 && port <= 65_535
    ? done({ address, port })
    : failed(`--metrics must be a port or ADDRESS:PORT such as 127.0.0.1:9470, not '${printable(text)}'`);
}

function parseRejoinInterval(text: string): Outcome<number> {
  const seconds = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return seconds <= limits.rejoinIntervalSecondsMax
    ? done(seconds)
    : failed(
        `--rejoin-interval must be a number of seconds from 0 (never) to ${limits.rejoinIntervalSecondsMax}, not '${printable(text)}'`,
      );
}

/** Workers and cores as given, both checked, and against each other. */
function parsePlacement(texts: SuperviseTexts): Outcome<Pick<SuperviseOptions, "workers" | "cores">> {
  const placement: Pick<SuperviseOptions, "workers" | "cores"> = {};
  if (texts.workers !== undefined) {
    const workers = parseWorkers(texts.workers);
    if (!workers.ok) {
      return workers;
    }
    placement.workers = workers.value;
  }
  if (texts.cores !== undefined) {
    const cores = parseCores(texts.cores);
    if (!cores.ok) {
      return failed(`--cores: ${cores.error}`);
    }
    if (cores.value.length > limits.workersMax) {
      return failed(`--cores names ${cores.value.length} cores; at most ${limits.workersMax} workers can run`);
    }
    placement.cores = cores.value;
  }
  const { workers, cores } = placement;
  if (workers !== undefined && cores !== undefined && workers !== cores.length) {
    return failed(`--workers ${workers} and --cores with ${cores.length} cores disagree; give one of them`);
  }
  return done(placement);
}

/** Checks everything; the error is a usage error's text. */
export function parseSuperviseOptions(texts: SuperviseTexts): Outcome<SuperviseOptions> {
  const placement = parsePlacement(texts);
  if (!placement.ok) {
    return placement;
  }
  const pipeline = oneOf("pipeline", texts.pipeline, pipelines, "auto");
  if (!pipeline.ok) {
    return pipeline;
  }
  const io = oneOf("io", texts.io, ioWishes, "auto");
  if (!io.ok) {
    return io;
  }
  const spare = oneOf("spare", texts.spare, switches, "on");
  if (!spare.ok) {
    return spare;
  }
  const role = oneOf("role", texts.role, roles, "active");
  if (!role.ok) {
    return role;
  }
  const logFormat = oneOf("log-format", texts.logFormat, logFormats, "auto");
  if (!logFormat.ok) {
    return logFormat;
  }
  const level =
    texts.logLevel === undefined ? undefined : (logLevelAliases.get(texts.logLevel.toLowerCase()) ?? texts.logLevel);
  const logLevel = oneOf("log-level", level, logLevels, "info");
  if (!logLevel.ok) {
    return logLevel;
  }
  const metrics = texts.metrics === undefined ? done(undefined) : parseMetrics(texts.metrics);
  if (!metrics.ok) {
    return metrics;
  }
  const rejoin = parseRejoinInterval(texts.rejoinInterval ?? String(limits.rejoinIntervalSeconds));
  if (!rejoin.ok) {
    return rejoin;
  }
  const controlSocketPath = texts.controlSocketPath ?? "/run/mcr/control.sock";
  if (controlSocketPath === "" || texts.config === "") {
    return failed(`--${controlSocketPath === "" ? "control-socket-path" : "config"} must not be empty`);
  }
  return done({
    ...(texts.config === undefined ? {} : { configPath: texts.config }),
    controlSocketPath,
    ...placement.value,
    pipeline: pipeline.value,
    io: io.value,
    spare: spare.value === "on",
    role: role.value,
    logFormat: logFormat.value,
    logLevel: logLevel.value,
    rejoinIntervalSeconds: rejoin.value,
    ...(metrics.value === undefined ? {} : { metrics: metrics.value }),
    ...(texts.readGroup === undefined ? {} : { readGroup: texts.readGroup }),
  });
}

/**
 * How many workers `--num-workers` means: any number is legal there and none says one a core, but never more than there are
 * `cores`, and never none: rules may come later.
 */
export function workersOfMcrd({ workersWish }: McrdManner, cores: number): number {
  return Math.max(1, Math.min(workersWish ?? cores, cores, limits.workersMax));
}

/** The cores for the workers, one each: those asked for, if the process may use them, else the first of `allowed`. */
export function chooseCores(
  options: Pick<SuperviseOptions, "workers" | "cores">,
  allowed: readonly number[],
): Outcome<number[]> {
  const { workers, cores } = options;
  if (cores !== undefined) {
    const missing = cores.filter((core) => !allowed.includes(core));
    return missing.length === 0
      ? done(cores)
      : failed(`core ${missing.join(", ")} is not there for us; usable are ${allowed.join(", ")} (cpuset, taskset)`);
  }
  const count = workers ?? Math.min(allowed.length, limits.workersDefaultMax);
  return count <= allowed.length
    ? done(allowed.slice(0, count))
    : failed(`--workers ${count} needs as many cores, and there are ${allowed.length}: ${allowed.join(", ")}`);
}
