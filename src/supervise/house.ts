// The parts of a supervisor, and who knows whom.
import type { Loaded } from "../config/load.ts";
import type { Log } from "../log/forward.ts";
import type { Tail } from "../log/tail.ts";
import { Captures } from "./capture/captures.ts";
import { Configuration } from "./config/configuration.ts";
import { configPathOf } from "./config/configured.ts";
import { closeAccount } from "./counters/estate.ts";
import { Ending } from "./ending/ending.ts";
import { Explainer } from "./explain/explainer.ts";
import type { Links } from "./kernel/links.ts";
import { Memberships } from "./kernel/memberships.ts";
import { Outputs } from "./outputs/outputs.ts";
import { Relaying } from "./rules/relaying.ts";
import type { EnvironmentSettings } from "./start/environment.ts";
import type { IoChoice } from "./start/io.ts";
import type { SuperviseOptions } from "./start/options.ts";
import { Lost } from "./stats/lost.ts";
import { Stats } from "./stats/stats.ts";
import { Troubles } from "./stats/troubles.ts";
import type { Will } from "./succession/will.ts";
import { IgmpVersions } from "./watch/igmp-versions.ts";
import { KernelRoutes } from "./watch/kernel-routes.ts";
import { Rejoin } from "./watch/rejoin.ts";
import { levelOrder } from "./workers/log-levels.ts";
import { workerCommand } from "./workers/worker-command.ts";
import { workerUser } from "./workers/worker-user.ts";
import { Workers } from "./workers/workers.ts";

/** Makes all parts of a supervisor and ties them to each other; nothing of it has begun. */
export function build(
  options: SuperviseOptions,
  log: Log,
  tail: Tail,
  given: {
    links: Links;
    cores: readonly number[];
    config: Loaded;
    io: IoChoice;
    emptyRoot: number | undefined;
    environment: EnvironmentSettings;
    will: Will | undefined;
  },
) {
  const { links, cores, config, io, emptyRoot, environment, will } = given;
  const user = workerUser();
  // A worker has one core: two threads on it would only take turns, and pay for every change (ARCHITECTURE.md, pipelines).
  const pipeline = options.pipeline === "auto" ? "unified" : options.pipeline;
  // Workers and what they are brought up with know each other; the cycle is closed by functions.
  const captures = new Captures(() => workers);
  const outputs = new Outputs(links, () => workers.pages, config.settings.multicast_ttl ?? undefined, environment);
  outputs.role = options.role;
  const memberships = new Memberships();
  const onNews: Log["say"] = (level, message, fields) => log.say(level, message, fields);
  const ending = new Ending({ links, ownMemberships: () => memberships.holders(), onNews });
  const relaying = new Relaying({ links, captures, memberships, outputs, ending, workers: () => workers, onNews });
  const workers: Workers = new Workers({
    command: workerCommand(),
    cores,
    uid: user.uid,
    gid: user.gid,
    pipeline,
    emptyRoot,
    // What the supervisor found to be refused no worker tries again.
    io: io.kind === "ppoll" ? "ppoll" : options.io,
    hasSpare: options.spare,
    inherited: will?.places,
    upbringing: {
      captures: (place) => captures.forPlace(place),
      orders: () => [{ order: levelOrder(log.levels), sockets: [] }, ...relaying.upbringing()],
    },
    died: ({ page, index }) => {
      const lost = closeAccount(page, relaying.list());
      if (lost > 0) {
        log.say("Warning", "datagrams that a worker held are lost", { worker: index, datagrams: lost });
      }
    },
    openLog: (origin) => log.worker(origin),
    onNews,
  });
  const rejoin = new Rejoin({ links, memberships, intervalSeconds: options.rejoinIntervalSeconds, onNews });
  const logTail = () => tail.lines();
  const isEnded = (serial: number) => ending.verdictOf(serial)?.ended === true;
  const kernelRoutes = new KernelRoutes({ relaying, isEnded, onNews });
  const igmpVersions = new IgmpVersions({ relaying, onNews });
  const core = { kernelRoutes, igmpVersions, relaying, workers, captures, outputs, memberships, links, ending, rejoin };
  const troubles = new Troubles({ ...core, log });
  const stats = new Stats({ ...core, pipeline, io, troubles, logTail });
  const lost = new Lost(core);
  const explainer = new Explainer({ ...core, lost });
  const configuration = new Configuration({
    relaying,
    path: configPathOf(options),
    loaded: config,
    onNews,
    nowMs: () => Date.now(),
  });
  return { ...core, stats, lost, configuration, troubles, explainer, levels: log.levels };
}

/** All parts of a supervisor. */
export type House = ReturnType<typeof build>;
