// A supervisor at work: what is done again and again, until a signal ends it.
import { exitCodes } from "../base/exit.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log/forward.ts";
import type { Configuration } from "./config/configuration.ts";
import type { House } from "./house.ts";
import type { Attendance } from "./service/attendance.ts";
import type { ServiceManager } from "./service/service-manager.ts";
import type { SuperviseOptions } from "./start/options.ts";
import type { Refusal } from "./start/requirements.ts";
import { LossLines } from "./stats/loss-lines.ts";
import { serveMetrics } from "./stats/metrics.ts";
import { StatsLines } from "./stats/stats-lines.ts";
import { LinkWatch } from "./watch/link-watch.ts";

/** What ends it, how often the [STATS] lines come, how it becomes the program on disk, which says itself why it does not, and who hears of it. */
export type Life = {
  signal: PromiseWithResolvers<string>;
  statsIntervalMs: number;
  reloadBinary: () => Promise<unknown>;
  attendance: Attendance;
};

/** Opens the page of metrics where one is wanted, and serves. */
export async function serve(
  options: SuperviseOptions,
  house: House,
  log: Log,
  life: Life,
): Promise<Refusal | undefined> {
  if (options.metrics === undefined) {
    await untilSignal(house, log, life);
    return undefined;
  }
  const metrics = serveMetrics(options.metrics, () => house.stats.status());
  if (!metrics.ok) {
    return { code: exitCodes.system, text: metrics.error };
  }
  log.say("Notice", "metrics are served", { address: options.metrics.address, port: metrics.value.port });
  await untilSignal(house, log, life);
  await metrics.value.close();
  return undefined;
}

/** What a service manager means by "reload". What is wrong with the files was said line by line; what runs, runs on. */
async function reload(configuration: Configuration, service: ServiceManager, log: Log): Promise<void> {
  service.reloading();
  const applied = await configuration.reload({ how: "reload" });
  if (!applied.ok) {
    log.say("Error", `SIGHUP: nothing was changed: ${applied.error.split("\n", 1)[0]}`);
  } else if (applied.value.version === undefined) {
    log.say("Notice", "SIGHUP: the files say what runs already");
  }
  service.ready();
}

/** Serves until SIGTERM or SIGINT; a second one does not wait for workers to drain. */
async function untilSignal(
  house: House,
  log: Log,
  { signal, statsIntervalMs: intervalMs, reloadBinary, attendance }: Life,
): Promise<void> {
  const { igmpVersions, kernelRoutes, links, rejoin, relaying, stats, lost, troubles, workers } = house;
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
  // Also a terminal that closes: it may not end a relay.
  const { service } = attendance;
  process.on("SIGHUP", () => void reload(house.configuration, service, log));
  process.on("SIGUSR2", () => void reloadBinary());
  const watch = new LinkWatch(links, relaying);
  const bell = setInterval(() => watch.look(performance.now()), limits.linksPollMs);
  const listenerBell = setInterval(() => void relaying.lookForListeners(), limits.listenersPollMs);
  const comparer = setInterval(() => void relaying.compareRules(), limits.heartbeatPeriodMs);
  void relaying.lookForListeners();
  rejoin.begin();
  const isStandby = () => house.outputs.role === "standby";
  const losses = new LossLines({ log, losses: () => lost.totals(), nowMs: () => performance.now(), isStandby });
  const sampler = setInterval(() => {
    stats.sample(performance.now());
    lost.sample(performance.now());
    troubles.look(performance.now());
    kernelRoutes.look(performance.now());
    igmpVersions.look();
    losses.tick();
    log.tick();
  }, limits.samplePeriodMs);
  const lines = new StatsLines({
    log,
    places: () => workers.places,
    flows: () => stats.flows(),
    intervalMs,
    nowMs: () => performance.now(),
  });
  const teller = setInterval(() => lines.tick(), Math.min(intervalMs || limits.samplePeriodMs, limits.samplePeriodMs));
  stats.sample(performance.now());
  // Now a signal means what the manual says of it.
  service.ready();
  attendance.begin();
  const name = await signal.promise;
  service.stopping();
  attendance.end();
  losses.look();
  log.announce("Info", `[Supervisor] Received ${name}, initiating graceful shutdown`);
  log.say("Notice", "ending", { signal: name });
  clearInterval(bell);
  clearInterval(listenerBell);
  clearInterval(comparer);
  rejoin.close();
  clearInterval(sampler);
  clearInterval(teller);
}
