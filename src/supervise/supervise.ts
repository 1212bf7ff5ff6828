// The role `supervise`: puts the parts together, starts, waits for a signal, ends. It moves no packet.
import { writeSync } from "node:fs";
import { exitCodes } from "../base/exit.ts";
import { loadConfig } from "../config/load.ts";
import { openControlServer } from "../control/server.ts";
import { limits } from "../limits.ts";
import { type Format, Log } from "../log/forward.ts";
import { type Level, levels } from "../log/record.ts";
import type { Rule } from "../rules/schema.ts";
import { origin, shim } from "../shim/library.ts";
import { failureText, isFailure } from "../shim/socket.ts";
import { Captures } from "./captures.ts";
import { allowedCores } from "./cores.ts";
import { carryOut } from "./commands.ts";
import { Links } from "./links.ts";
import { Memberships } from "./memberships.ts";
import { chooseCores, type SuperviseOptions } from "./options.ts";
import { Outputs } from "./outputs.ts";
import { Relaying } from "./relaying.ts";
import { missing, type Refusal } from "./requirements.ts";
import { Stats } from "./stats.ts";
import { workerUser } from "./worker-user.ts";
import { Workers } from "./workers.ts";

const errorOutput = 2;
const serverCodes = { "in-use": exitCodes.unavailable, denied: exitCodes.permission, os: exitCodes.system } as const;

/** Runs until a signal ends it; returns the exit code. */
export async function run(options: SuperviseOptions): Promise<number> {
  const log = new Log(formatFor(options), levelFor(options), (line) => writeSync(errorOutput, line));
  const refused = await supervise(options, log);
  if (refused !== undefined) {
    log.say("Critical", refused.text);
    return refused.code;
  }
  return exitCodes.ok;
}

async function supervise(options: SuperviseOptions, log: Log): Promise<Refusal | undefined> {
  const refusal = missing();
  if (refusal !== undefined) {
    return refusal;
  }
  const cores = chooseCores(options, allowedCores());
  if (!cores.ok) {
    return { code: exitCodes.usage, text: cores.error };
  }
  const config = await configured(options, log);
  if ("code" in config) {
    return config;
  }
  const links = Links.open();
  if (isFailure(links)) {
    return { code: exitCodes.system, text: `the links of this machine cannot be read: ${failureText(links)}` };
  }
  shim.mcr_files_max();
  if (origin.note !== undefined) {
    log.say("Notice", origin.note);
  }
  const house = build(options, log, links, cores.value, config.multicastTtl);
  const { relaying, workers, memberships } = house;
  const refusedRules = await relaying.begin(config.rules);
  for (const text of refusedRules) {
    log.say("Error", text);
  }
  const stillborn = await workers.start();
  const signal = Promise.withResolvers<string>();
  const server = await openControlServer({
    path: options.controlSocketPath,
    handle: (command) => carryOut(house, command),
  });
  let result: Refusal | undefined;
  if (stillborn.length > 0) {
    result = { code: exitCodes.system, text: `no worker could be started: ${stillborn.join("; ")}` };
  } else if (!server.ok) {
    result = { code: serverCodes[server.error.kind], text: server.error.text };
  } else {
    log.say("Notice", "ready", { workers: workers.runningCount, rules: relaying.size, socket: options.controlSocketPath });
    await untilSignal(house, log, signal);
  }
  if (server.ok) {
    await server.value.close();
  }
  await workers.end();
  memberships.close();
  links.close();
  log.say("Notice", "ended");
  return result;
}

async function configured(options: SuperviseOptions, log: Log): Promise<{ rules: Rule[]; multicastTtl?: number } | Refusal> {
  if (options.configPath === undefined) {
    return { rules: [] };
  }
  const config = await loadConfig(options.configPath);
  if (!config.ok) {
    return { code: exitCodes.configuration, text: config.error };
  }
  for (const warning of config.value.warnings) {
    log.say("Warning", warning);
  }
  return config.value;
}

function build(options: SuperviseOptions, log: Log, links: Links, cores: readonly number[], multicastTtl: number | undefined) {
  const user = workerUser();
  // Two loops in one thread cost half of what two threads cost while cores are few (DESIGN.md 5).
  const pipeline = options.pipeline === "auto" ? "split" : options.pipeline;
  // Workers and what they are brought up with know each other; the cycle is closed by functions.
  const captures = new Captures(() => workers);
  const outputs = new Outputs(links, () => workers.pages, multicastTtl);
  const memberships = new Memberships();
  const onNews: ConstructorParameters<typeof Relaying>[0]["onNews"] = (level, message, fields) =>
    log.say(level, message, fields);
  const relaying = new Relaying({ links, captures, memberships, outputs, workers: () => workers, onNews });
  const workers: Workers = new Workers({
    cores,
    uid: user.uid,
    gid: user.gid,
    pipeline,
    upbringing: { captures: (place) => captures.forPlace(place), orders: () => relaying.upbringing() },
    onLine: (place, pid, line) => log.forward({ worker: place.index, pid }, line),
    onNews,
  });
  const stats = new Stats({ relaying, workers, captures, outputs, links, pipeline });
  return { relaying, workers, stats, memberships, links };
}

type House = ReturnType<typeof build>;

/** Serves until SIGTERM or SIGINT; a second one does not wait for workers to drain. */
async function untilSignal(house: House, log: Log, signal: PromiseWithResolvers<string>): Promise<void> {
  const { links, relaying, stats, workers } = house;
  let signals = 0;
  const onSignal = (name: NodeJS.Signals) => {
    signals++;
    if (signals > 1) {
      workers.killAll();
    }
    signal.resolve(name);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  const bell = setInterval(() => {
    const isChanged = links.poll();
    if (links.pollRoutes() || isChanged) {
      void relaying.linksChanged();
    }
  }, limits.linksPollMs);
  const sampler = setInterval(() => stats.sample(Date.now()), limits.samplePeriodMs);
  stats.sample(Date.now());
  log.say("Notice", "ending", { signal: await signal.promise });
  clearInterval(bell);
  clearInterval(sampler);
}

function formatFor({ logFormat }: SuperviseOptions): Format {
  if (logFormat !== "auto") {
    return logFormat;
  }
  if (process.env["JOURNAL_STREAM"] !== undefined) {
    return "journal";
  }
  return process.stderr.isTTY ? "text" : "json";
}

function levelFor({ logLevel }: SuperviseOptions): Level {
  return levels.find((level) => level.toLowerCase() === logLevel) ?? "Info";
}
