// The other side: a program that rehearses what it would have to take over, and one that has taken over.
import { writeSync } from "node:fs";
import { getPriority } from "node:os";
import { exitCodes } from "../../base/exit.ts";
import { programVersion } from "../../base/version.ts";
import { judgeTexts, type Loaded } from "../../config/load.ts";
import { limits } from "../../limits.ts";
import type { Log } from "../../log/forward.ts";
import { layoutText } from "../../relay/counters.ts";
import { RuleTable } from "../../rules/table.ts";
import { shim } from "../../shim/library.ts";
import { map } from "../../shim/memory.ts";
import { isError } from "../config/config-text.ts";
import type { House } from "../house.ts";
import type { SuperviseOptions } from "../start/options.ts";
import { requirements } from "../start/requirements.ts";
import { Child } from "../workers/child.ts";
import { isolate } from "../workers/isolation.ts";
import { workerCommand } from "../workers/worker-command.ts";
import { workerUser } from "../workers/worker-user.ts";
import { Predecessor } from "./predecessor.ts";
import type { Verdict } from "./rehearsal.ts";
import type { Will } from "./will.ts";

const standardOutput = 1;

function say(verdict: Verdict): void {
  writeSync(standardOutput, `${JSON.stringify(verdict)}\n`);
}

/** Tries all that taking over needs, says on standard output what came of it, and changes nothing; returns the exit code. */
export async function rehearse(options: SuperviseOptions, will: Will | { refused: string }): Promise<number> {
  say({ hello: programVersion });
  const unable = "refused" in will ? foreign(will.refused) : await reasonNotTo(options, will);
  say(unable === undefined ? { able: programVersion } : { unable });
  return unable === undefined ? exitCodes.ok : exitCodes.unavailable;
}

function foreign(refused: string): string {
  return `version ${programVersion} does not understand what it would get (${refused}); restart the supervisor instead`;
}

async function reasonNotTo(options: SuperviseOptions, will: Will): Promise<string | undefined> {
  if (will.layout !== layoutText()) {
    return `version ${programVersion} counts in other places than version ${will.version}; restart the supervisor instead`;
  }
  const io = requirements(options.io);
  if ("code" in io) {
    return io.text;
  }
  const refused = refusedRule(will) ?? configurationOf(will).refused;
  return refused ?? (await stillborn(options, will, io.kind === "ppoll" ? "ppoll" : options.io));
}

/** The first rule that this version would not let stand. */
function refusedRule({ rules }: Will): string | undefined {
  const table = new RuleTable();
  const put = rules.lives.map(({ rule }) => rule);
  const problem = table.problem({ put, remove: [] });
  return problem && `version ${programVersion} does not take the rules that run: ${problem}`;
}

/** What the files said when they were last read or written. */
function configurationOf({ configuration }: Will): { loaded?: Loaded; refused?: string } {
  const { loaded, problems } = judgeTexts(configuration.texts);
  const problem = problems.find(isError);
  return loaded === undefined
    ? { refused: `version ${programVersion} does not take the configuration: ${problem?.message ?? "it has errors"}` }
    : { loaded };
}

/** Gives birth to a worker and ends it; returns why it did not live. */
async function stillborn(
  options: SuperviseOptions,
  will: Will,
  io: SuperviseOptions["io"],
): Promise<string | undefined> {
  const { uid, gid } = workerUser();
  const pipeline = options.pipeline === "auto" ? "unified" : options.pipeline;
  const emptyRoot = isolate(will.hasOwnIpc, { say: () => undefined });
  const nobody = { push: () => undefined, end: () => undefined };
  const child = new Child(
    { command: workerCommand(), uid, gid, pipeline, io, emptyRoot },
    { openLog: () => nobody, ended: () => undefined },
  );
  const looker = setInterval(() => child.look(performance.now()), limits.heartbeatLookMs);
  const reason = await child.born;
  clearInterval(looker);
  await child.end();
  return reason && `its workers do not live: ${reason}`;
}

/** What a supervisor that takes over has instead of files. */
export function inheritedConfiguration(will: Will): Loaded {
  return configurationOf(will).loaded ?? { rules: [], settings: {}, texts: [], homes: new Map() };
}

/** Gives the parts of a new house what the old one had, before anything of it runs. */
export function inherit(house: House, will: Will): void {
  const { captures, configuration, ending, links, memberships, outputs, rejoin, relaying, stats } = house;
  stats.uptime.inherit(will.startedMs);
  outputs.role = will.role;
  outputs.multicastTtl = will.rules.multicastTtl;
  captures.inherit(will.captures, links.table());
  memberships.inherit(will.memberships);
  ending.former.inherit(will.ending);
  rejoin.inherit(will.rejoin);
  relaying.book.inherit(will.rules);
  configuration.inherit(will.configuration);
}

/** Takes over from the workers of the old house, one place after the other; returns what went wrong. */
export async function takeOver(house: House, will: Will, log: Log): Promise<string[]> {
  const { workers, relaying, ending } = house;
  const predecessors = will.places.map(({ worker }, index) => {
    return worker && new Predecessor(worker, log.worker({ worker: index, pid: worker.pid }));
  });
  // Between two workers of a place the flows wait for us: meanwhile we go first, as workers do.
  const nice = getPriority();
  shim.mcr_prefer(limits.workerNice, limits.workerSliceUs);
  const { pauseMs, reasons } = await workers.succeed(predecessors);
  shim.mcr_prefer(nice, 0);
  // Ours is put in place before theirs is taken off.
  await relaying.lookForListeners();
  ending.former.letGo();
  const text =
    `version ${programVersion} has taken over from version ${will.version}: ${workers.runningCount} of ` +
    `${workers.places.length} workers, ${relaying.size} rules; no flow waited longer than ${pauseMs.toFixed(1)} ms`;
  log.say("Notice", text);
  if (will.client !== undefined) {
    answer(will.client, reasons.length === 0 ? { Success: text } : { Error: `${text}. ${reasons.join("; ")}` });
  }
  return reasons;
}

/** Who asked the supervisor before us gets his answer from us. */
function answer(fd: number, reply: object): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(reply)}\n`);
  const memory = map(Math.ceil(bytes.length / 8) * 8);
  memory.u8.set(bytes);
  shim.mcr_write(fd, memory.pointer, bytes.length);
  memory.close();
  shim.mcr_close(fd);
}
