// The role `supervise`: puts the parts together, starts, waits for a signal, ends. It moves no packet.
import { exitCodes } from "../base/exit.ts";
import { done } from "../base/outcome.ts";
import type { Loaded } from "../config/load.ts";
import type { Log } from "../log/forward.ts";
import { origin } from "../shim/library.ts";
import { failureText, isFailure } from "../shim/socket.ts";
import { carryOut, rulesOf } from "./commands.ts";
import { configured } from "./config/configured.ts";
import { openDoor } from "./door/door.ts";
import { build, type House } from "./house.ts";
import { Links } from "./kernel/links.ts";
import { serve } from "./serve.ts";
import { Attendance } from "./service/attendance.ts";
import { type CleanStart, cleanStart } from "./start/clean-start.ts";
import { allowedCores } from "./start/cores.ts";
import { type EnvironmentSettings, settingsOf } from "./start/environment.ts";
import { type IoChoice, ioNews } from "./start/io.ts";
import { mcrdRefusal } from "./start/mcrd-refusal.ts";
import { type OpenLog, openLog } from "./start/open-log.ts";
import { chooseCores, type SuperviseOptions, workersOfMcrd } from "./start/options.ts";
import { type Refusal, requirements } from "./start/requirements.ts";
import { calling } from "./succession/calling.ts";
import { inherit, inheritedConfiguration, rehearse, takeOver } from "./succession/heir.ts";
import { ownProgram } from "./succession/program.ts";
import { Succession } from "./succession/succession.ts";
import type { Will } from "./succession/will.ts";
import { isolate } from "./workers/isolation.ts";
import type { Workers } from "./workers/workers.ts";

/** Runs until a signal ends it; returns the exit code. */
export async function run(options: SuperviseOptions): Promise<number> {
  const start = cleanStart();
  const call = calling();
  if (call?.isRehearsal) {
    return rehearse(options, call.will);
  }
  // Until it serves there is nothing to reload, and a service manager that is quick with its SIGHUP may not end what it started.
  process.on("SIGHUP", () => undefined);
  const { log, tail, flush, close } = await openLog(options);
  if (start.note !== undefined) {
    log.say("Warning", start.note);
  }
  const refused =
    call !== undefined && "refused" in call.will
      ? { code: exitCodes.broken, text: `what the supervisor before us left is not understood: ${call.will.refused}` }
      : await supervise(options, { log, tail, flush }, start, call?.will as Will | undefined);
  let code: number = refused?.code ?? exitCodes.ok;
  if (refused !== undefined && options.asMcrd === undefined) {
    log.say("Critical", refused.text);
  } else if (refused !== undefined) {
    log.announce("Error", mcrdRefusal(refused, options.configPath));
    code = exitCodes.refused;
  }
  await close();
  return code;
}

async function supervise(
  options: SuperviseOptions,
  { log, tail, flush }: Omit<OpenLog, "close">,
  start: CleanStart,
  will: Will | undefined,
): Promise<Refusal | undefined> {
  const program = ownProgram();
  const io = requirements(options.io);
  if ("code" in io) {
    return io;
  }
  const cores = will === undefined ? coresOf(options, log) : done(will.places.map(({ core }) => core));
  if (!cores.ok) {
    return { code: exitCodes.usage, text: cores.error };
  }
  const config = will === undefined ? await configured(options, log) : inheritedConfiguration(will);
  if ("code" in config) {
    return config;
  }
  const links = Links.open();
  if (isFailure(links)) {
    return { code: exitCodes.system, text: `the links of this machine cannot be read: ${failureText(links)}` };
  }
  const environment = settingsOf(process.env);
  sayWhatIsFound(io, environment, log);
  const hasOwnIpc = will?.hasOwnIpc ?? start.hasOwnIpc;
  const emptyRoot = isolate(hasOwnIpc, log);
  const given = { links, cores: cores.value, config, io, emptyRoot, environment, will };
  const house = build(options, log, tail, given);
  const { relaying, workers } = house;
  // The socket first: whoever finds it taken has not joined a group yet, and sends nothing twice.
  const started = Promise.withResolvers<Succession>();
  const server = await openDoor(options, log, {
    handle: (command, client) =>
      started.promise.then((succession) => carryOut({ ...house, succession }, command, client)),
    rulesOf: (command) => rulesOf(relaying, command),
    inherited: will && { fd: will.socket.fd, identity: will.socket.identity },
  });
  if (!server.ok) {
    links.close();
    return server.error;
  }
  const succession = new Succession({ house, server: server.value, program, hasOwnIpc, log, flush });
  const attendance = new Attendance(house, log);
  const stillborn = will === undefined ? await begin(house, config, log) : await succeed(house, will, attendance, log);
  const signal = Promise.withResolvers<string>();
  started.resolve(succession);
  let result: Refusal | undefined;
  if (workers.runningCount === 0) {
    result = withoutWorkers(workers, stillborn);
  } else {
    log.say("Notice", "ready", {
      workers: workers.runningCount,
      rules: relaying.size,
      socket: options.controlSocketPath,
    });
    const { statsIntervalMs } = environment;
    const reloadBinary = () => succession.reload();
    result = await serve(options, house, log, { signal, statsIntervalMs, reloadBinary, attendance });
  }
  await server.value.close();
  await end(house);
  log.say("Notice", "ended");
  log.announce("Info", "[Supervisor] Shutdown complete");
  return result;
}

async function end({ configuration, ending, links, memberships, workers }: House): Promise<void> {
  configuration.close();
  // Before the workers: from here on nobody consumes what would end.
  ending.close();
  await workers.end();
  memberships.close();
  links.close();
}

function withoutWorkers({ places: [first] }: Workers, reasons: readonly string[]): Refusal {
  const code = first?.state === "failed" ? (first.exitCode ?? exitCodes.system) : exitCodes.system;
  return { code, text: `no worker could be started: ${reasons.join("; ")}` };
}

/** Begins with the rules of the files; returns why workers do not live. */
async function begin({ relaying, workers }: House, config: Loaded, log: Log): Promise<string[]> {
  for (const text of await relaying.begin(config.rules)) {
    log.say("Error", text);
  }
  return workers.start();
}

/** Begins with what runs already. */
async function succeed(house: House, will: Will, attendance: Attendance, log: Log): Promise<string[]> {
  log.levels.restore(will.levels);
  inherit(house, will);
  await house.relaying.begin([]);
  attendance.begin();
  return takeOver(house, will, log);
}

function sayWhatIsFound(io: IoChoice, { notes }: EnvironmentSettings, log: Log): void {
  for (const note of [...(origin.note === undefined ? [] : [origin.note]), ...notes]) {
    log.say("Notice", note);
  }
  const { level, message } = ioNews(io);
  log.say(level, message);
}

/** The cores for the workers; as mcrd any number of workers is taken as far as it goes, and it is said. */
function coresOf(options: SuperviseOptions, log: Log): ReturnType<typeof chooseCores> {
  const allowed = allowedCores();
  if (options.asMcrd === undefined) {
    return chooseCores(options, allowed);
  }
  const workers = workersOfMcrd(options.asMcrd, allowed.length);
  const wish = options.asMcrd.workersWish ?? workers;
  if (wish !== workers) {
    log.say("Notice", `--num-workers ${wish}: there are ${workers}, at least one and at most one a core`);
  }
  return chooseCores({ workers }, allowed);
}
