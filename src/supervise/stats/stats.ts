// What the counters say, in the words of the replies: GetStats (MCR's) and GetStatus (ours).

import { isMulticast } from "../../base/ipv4.ts";
import { programCommit, programVersion } from "../../base/version.ts";
import type { Account, OutputStatus, RuleStatus, Status, WorkerStatus } from "../../control/status.ts";
import type { FlowStats, ListedRule, ListedWorker } from "../../control/words.ts";
import { ruleField, ruleFirst, ruleSize } from "../../relay/counters.ts";
import { compact } from "../../rules/fields.ts";
import { isEnabled } from "../../rules/labels.ts";
import { prefixOf } from "../../rules/range.ts";
import type { Rule } from "../../rules/schema.ts";
import { errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import type { Captures } from "../capture/captures.ts";
import { accountsOf } from "../counters/accounts.ts";
import { LatencyWindow, latencyOf } from "../counters/latency-window.ts";
import { outputErrors, outputTotals, ruleTotals, sumAt } from "../counters/pages.ts";
import type { Ending } from "../ending/ending.ts";
import type { Links } from "../kernel/links.ts";
import type { LiveOutput, Outputs } from "../outputs/outputs.ts";
import { type LiveRule, liveState } from "../rules/live-rule.ts";
import type { Relaying } from "../rules/relaying.ts";
import type { IoChoice } from "../start/io.ts";
import type { IgmpVersions } from "../watch/igmp-versions.ts";
import type { KernelRoutes } from "../watch/kernel-routes.ts";
import type { Rejoin } from "../watch/rejoin.ts";
import type { Place } from "../workers/place.ts";
import type { Workers } from "../workers/workers.ts";
import { CounterRates } from "./counter-rates.ts";
import { cpuSeconds } from "./cpu-use.ts";
import { Flows } from "./flows.ts";
import { linkStatus } from "./link-stats.ts";
import { dropReasons } from "./lost.ts";
import { memoryUse } from "./memory-use.ts";
import type { Troubles } from "./troubles.ts";
import { Uptime } from "./uptime.ts";
import { framesOf, spareStatus, workerStatus } from "./worker-stats.ts";

/** Where the numbers come from. */
export type StatsParts = {
  relaying: Relaying;
  workers: Workers;
  captures: Captures;
  outputs: Outputs;
  links: Links;
  ending: Ending;
  rejoin: Rejoin;
  kernelRoutes: Pick<KernelRoutes, "warningsOf">;
  igmpVersions: Pick<IgmpVersions, "warningsOf">;
  troubles: Pick<Troubles, "silentHop">;
  pipeline: "split" | "unified";
  io: IoChoice;
  /** The newest lines of the log, oldest first. */
  logTail: () => string[];
};

const bitsPerByte = 8;
const monotonic = 1;

/** Reads counters and says them in the words of the replies. */
export class Stats {
  private readonly parts: StatsParts;
  private readonly rates: CounterRates;
  private readonly flowBook = new Flows();
  readonly uptime = new Uptime();
  private readonly latencies = new LatencyWindow();

  constructor(parts: StatsParts) {
    this.parts = parts;
    this.rates = new CounterRates({ roster: () => parts.relaying.book.roster, workers: parts.workers });
  }

  /** To be called once a period: rates are differences between two calls. */
  sample(nowMs: number): void {
    this.rates.sample(nowMs);
    this.latencies.sample(this.parts.workers.pages);
  }

  /** MCR's numbers. */
  flows(): FlowStats[] {
    const { relaying, workers } = this.parts;
    return this.flowBook.list(relaying.list(), (counter) => {
      const rule = ruleFirst + counter * ruleSize;
      return {
        datagrams: sumAt(workers.pages, rule + ruleField.datagrams),
        bytes: sumAt(workers.pages, rule + ruleField.bytes),
        perSecond: this.rates.ofRule(counter),
      };
    });
  }

  /** One entry a worker and captured link, as MCR has a process for each; without a capture one a worker. */
  workers(): ListedWorker[] {
    const links = this.parts.captures.list().map((captured) => captured.link.name);
    return (links.length === 0 ? [""] : links).flatMap((link) =>
      this.parts.workers.places.map((place) => ({
        pid: place.child?.pid ?? 0,
        worker_type: "DataPlane",
        core_id: place.core,
        interface: link,
        // MCR's clients know these two and refuse a reply with any other.
        status: place.state === "running" ? "Running" : { Restarting: { backoff_ms: place.backoffMs } },
        state: place.state,
        ...compact({ io: place.child?.io }),
        ...(place.child === undefined ? {} : { heartbeat_seconds: place.child.heartbeatAgeMs / 1000 }),
        stalls: place.stalls,
      })),
    );
  }

  /** Which of several ways this supervisor's workers take. */
  features(): { pipeline: string; io: string } {
    return { pipeline: this.parts.pipeline, io: this.parts.io.kind };
  }

  /** Every rule as MCR lists it, and ours beside it; `unsavedOf` says how a rule differs from the files. */
  rules(unsavedOf: (rule: Rule) => "added" | "changed" | undefined = () => undefined): ListedRule[] {
    return this.parts.relaying.list().map((live) => ({
      ...live.rule,
      outputs: live.outputs.map((output) => ({
        ...output.output,
        ...this.effectiveTtl(output),
        ...(isEnabled(live.rule) ? compact({ pending: output.pending }) : {}),
      })),
      source: live.rule.source,
      ...this.stateOf(live),
      ...compact({ unsaved: unsavedOf(live.rule) }),
    }));
  }

  status(): Status {
    const { workers, pipeline, io } = this.parts;
    const drops = this.parts.captures.kernelDrops();
    const { unavailable } = this.parts.ending;
    const own = memoryUse(process.pid);
    return {
      program_version: programVersion,
      program_commit: programCommit,
      uptime_seconds: this.uptime.seconds,
      role: this.parts.outputs.role,
      pipeline,
      io,
      ending: unavailable === undefined ? { is_available: true } : { is_available: false, reason: unavailable },
      supervisor: {
        pid: process.pid,
        rss_bytes: own.resident,
        private_bytes: own.private,
        cpu_seconds: cpuSeconds(process.pid),
      },
      rules: this.parts.relaying.list().map((live) => this.ruleStatus(live)),
      workers: workers.places.map((place) => this.worker(place)),
      ...spareStatus(workers.sparePid, workers.isSpareReady),
      links: linkStatus(
        { ...this.parts, pages: workers.pages, kernelDrops: drops.byLink() },
        this.parts.relaying.list(),
      ),
      frames: framesOf(workers.pages, drops.total),
      latency: latencyOf(workers.pages),
      latency_minute: this.latencies.of(workers.pages),
      log_tail: this.parts.logTail(),
    };
  }

  /** The sums that must hold, of every worker. */
  async accounts(): Promise<Account[]> {
    const { places } = this.parts.workers;
    return (await Promise.all(places.map(({ page, index }) => accountsOf(page, index)))).flat();
  }

  private ruleStatus(live: LiveRule): RuleStatus {
    const { rule, counter } = live;
    // First what arrived, then what was taken of it: the other way round there would seem to be more of these.
    const arrived = this.parts.ending.counts(live.serial);
    // And what left before it: never more than came in.
    const outputs = live.outputs.map((output) => this.outputStatus(output, isEnabled(rule)));
    const totals = ruleTotals(this.parts.workers.pages, counter);
    const rate = this.rates.ofRule(counter);
    return {
      rule_id: rule.rule_id,
      ...(rule.name === undefined ? {} : { name: rule.name }),
      input_interface: rule.input_interface,
      input_group: rule.input_group,
      input_port: rule.input_port,
      input_protocol: rule.input_protocol,
      ...(rule.input_source === undefined ? {} : { input_source: rule.input_source }),
      ...compact({ description: rule.description, tags: rule.tags }),
      source: rule.source,
      ...this.stateOf(live),
      datagrams: totals.datagrams,
      bytes: totals.bytes,
      datagrams_per_second: rate.datagrams,
      bits_per_second: rate.bytes * bitsPerByte,
      ...ageOf("last_seen_seconds", totals.lastSeenNs),
      ...(arrived === undefined ? {} : { arrived, missed: Math.max(0, arrived.datagrams - totals.datagrams) }),
      outputs,
    };
  }

  /** Whether it forwards, and what there is to say of that. */
  private stateOf(live: LiveRule): Pick<RuleStatus, "state" | "reason" | "ended" | "ended_reason" | "warnings"> {
    const state = liveState(live);
    return {
      state,
      ...(state === "pending" ? compact({ reason: live.pending }) : {}),
      ...(state === "active" ? this.parts.ending.verdictOf(live.serial) : {}),
      ...this.warningsOf(live),
    };
  }

  private warningsOf(live: LiveRule): { warnings?: string[] } {
    const { relaying, kernelRoutes, igmpVersions } = this.parts;
    const id = live.rule.rule_id;
    const warnings = [kernelRoutes.warningsOf(id), igmpVersions.warningsOf(id), relaying.warningsOf(live)].flat();
    return warnings.length === 0 ? {} : { warnings };
  }

  /** `isWanted`: its rule is enabled; else nobody waits for it. */
  private outputStatus(live: LiveOutput, isWanted: boolean): OutputStatus {
    const { output, counter } = live;
    const { source_ip, source_port, dscp, preserve_source } = output;
    const pending = isWanted ? live.pending : undefined;
    const totals = outputTotals(this.parts.workers.pages, counter);
    const silentHop = this.parts.troubles.silentHop(counter);
    const rate = this.rates.ofOutput(counter);
    return {
      group: output.group,
      port: output.port,
      interface: output.interface,
      ...this.effectiveTtl(live),
      ...compact({ source_ip, source_port, dscp, preserve_source }),
      ...(pending === undefined ? {} : { pending }),
      ...(silentHop === undefined ? {} : { silent_neighbour: silentHop }),
      datagrams_sent: totals.sent,
      bytes_sent: totals.sentBytes,
      datagrams_failed: totals.failed,
      datagrams_dropped: totals.dropped,
      datagrams_per_second: rate.datagrams,
      bits_per_second: rate.bytes * bitsPerByte,
      ...ageOf("last_sent_seconds", totals.lastSentNs),
      drops: dropReasons(totals),
      failures: outputErrors(this.parts.workers.pages, counter),
      ...(totals.lastErrno > 0 ? { last_error: errnoName(totals.lastErrno) } : {}),
      sends: totals.sends,
    };
  }

  private effectiveTtl({ output }: LiveOutput): { ttl?: number; effective_ttl?: number } {
    if (output.ttl !== undefined) {
      return { ttl: output.ttl };
    }
    return isMulticast(prefixOf(output.group).first) ? { effective_ttl: this.parts.outputs.defaultTtl } : {};
  }

  private worker(place: Place): WorkerStatus {
    const rings = this.parts.captures.list().map((captured) => captured.sockets[place.index]?.ringSize ?? 0);
    return workerStatus(place, {
      ringSize: rings.reduce((sum, each) => sum + each, 0),
      kernelDrops: this.parts.captures.kernelDrops().ofPlace(place.index),
      cpuShare: this.rates.ofWorker(place.index),
      latencyMinute: this.latencies.of([place.page]),
    });
  }
}

/** Seconds since a moment of CLOCK_MONOTONIC, under `name`; nothing when there was none. */
function ageOf<Name extends string>(name: Name, ns: number): { [Key in Name]?: number } {
  const age = Math.max(0, (shim.mcr_clock_ns(monotonic) - ns) / 1e9);
  return (ns > 0 ? { [name]: age } : {}) as { [Key in Name]?: number };
}
