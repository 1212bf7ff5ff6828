// What the counters say, in the words of the replies: GetStats (MCR's) and GetStatus (ours).

import { formatIpv4, isMulticast, parseIpv4 } from "../base/ipv4.ts";
import { programVersion } from "../base/version.ts";
import type { FrameStatus, LinkStatus, OutputStatus, RuleStatus, Status, WorkerStatus } from "../control/status.ts";
import type { FlowStats, ListedRule, ListedWorker } from "../control/words.ts";
import { limits } from "../limits.ts";
import { CaptureCounts } from "../shim/abi.ts";
import { errnoName } from "../shim/errno.ts";
import { shim } from "../shim/library.ts";
import { scratch } from "../shim/memory.ts";
import type { Captures } from "./captures.ts";
import type { Ending } from "./ending.ts";
import type { Links } from "./links.ts";
import type { LiveRule } from "./live-rule.ts";
import { memoryUse } from "./memory-use.ts";
import type { LiveOutput, Outputs } from "./outputs.ts";
import { outputTotals, type Page, ruleTotals } from "./pages.ts";
import { Rates } from "./rates.ts";
import type { Relaying } from "./relaying.ts";
import type { Place, Workers } from "./workers.ts";

/** Where the numbers come from. */
export type StatsParts = {
  relaying: Relaying;
  workers: Workers;
  captures: Captures;
  outputs: Outputs;
  links: Links;
  ending: Ending;
  pipeline: "split" | "unified";
};

const bitsPerByte = 8;

/** Reads counters and says them in the words of the replies. */
export class Stats {
  private readonly parts: StatsParts;
  private readonly rates = new Rates();
  private readonly startedMs = Date.now();
  /** Kernel drops, which the kernel forgets when asked: by link name, and in all. */
  private readonly linkDrops = new Map<string, number>();
  private readonly placeDrops: number[] = [];

  constructor(parts: StatsParts) {
    this.parts = parts;
  }

  /** To be called once a period: rates are differences between two calls. */
  sample(nowMs: number): void {
    this.readDrops();
    this.rates.sample(this.counted(), nowMs);
  }

  /** MCR's numbers, by group and port; a datagram counts once. */
  flows(): FlowStats[] {
    const pages = this.parts.workers.pages;
    return this.parts.relaying.list().map(({ rule, counter }) => {
      const totals = ruleTotals(pages, counter);
      return {
        input_group: rule.input_group,
        input_port: rule.input_port,
        input_protocol: rule.input_protocol,
        packets_relayed: totals.datagrams,
        bytes_relayed: totals.bytes,
        packets_per_second: this.rates.of(`rule ${counter}`),
        bits_per_second: this.rates.of(`rule bytes ${counter}`) * bitsPerByte,
      };
    });
  }

  /** One line a worker and link, as MCR has one process for each. */
  workers(): ListedWorker[] {
    const links = this.parts.captures.list().map((captured) => captured.link.name);
    return this.parts.workers.places.map((place) => ({
      pid: place.child?.pid ?? 0,
      worker_type: "DataPlane",
      core_id: place.core,
      interface: links.join(","),
      status: place.state === "restarting" ? { Restarting: { backoff_ms: place.backoffMs } } : statusWord(place.state),
    }));
  }

  rules(): ListedRule[] {
    return this.parts.relaying.list().map((live) => ({
      ...live.rule,
      outputs: live.outputs.map((output) => ({
        ...output.output,
        ...this.effectiveTtl(output),
        ...(output.pending === undefined ? {} : { pending: output.pending }),
      })),
      source: live.rule.source,
      state: live.pending === undefined ? ("active" as const) : ("pending" as const),
      ...(live.pending === undefined ? this.parts.ending.verdictOf(live.serial) : { reason: live.pending }),
    }));
  }

  status(): Status {
    this.readDrops();
    const { workers, pipeline } = this.parts;
    const { unavailable } = this.parts.ending;
    const own = memoryUse(process.pid);
    const drops = this.placeDrops.reduce((sum, each) => sum + each, 0);
    return {
      program_version: programVersion,
      uptime_seconds: (Date.now() - this.startedMs) / 1000,
      pipeline,
      ending: unavailable === undefined ? { is_available: true } : { is_available: false, reason: unavailable },
      supervisor: { pid: process.pid, rss_bytes: own.resident, private_bytes: own.private },
      rules: this.parts.relaying.list().map((live) => this.ruleStatus(live)),
      workers: workers.places.map((place) => this.workerStatus(place)),
      links: this.linkStatus(),
      frames: sumFrames(workers.pages, drops),
    };
  }

  private *counted(): Iterable<readonly [string, number]> {
    const pages = this.parts.workers.pages;
    for (const live of this.parts.relaying.list()) {
      const totals = ruleTotals(pages, live.counter);
      yield [`rule ${live.counter}`, totals.datagrams];
      yield [`rule bytes ${live.counter}`, totals.bytes];
      for (const output of live.outputs) {
        const sent = outputTotals(pages, output.counter);
        yield [`output ${output.counter}`, sent.sent];
        yield [`output bytes ${output.counter}`, sent.sentBytes];
      }
    }
  }

  private ruleStatus(live: LiveRule): RuleStatus {
    const { rule, counter, pending } = live;
    // First what arrived, then what was taken of it: the other way round there would seem to be more of these.
    const arrived = this.parts.ending.counts(live.serial);
    const totals = ruleTotals(this.parts.workers.pages, counter);
    return {
      rule_id: rule.rule_id,
      ...(rule.name === undefined ? {} : { name: rule.name }),
      input_interface: rule.input_interface,
      input_group: rule.input_group,
      input_port: rule.input_port,
      input_protocol: rule.input_protocol,
      ...(rule.input_source === undefined ? {} : { input_source: rule.input_source }),
      source: rule.source,
      state: pending === undefined ? "active" : "pending",
      ...(pending === undefined ? {} : { reason: pending }),
      datagrams: totals.datagrams,
      bytes: totals.bytes,
      datagrams_per_second: this.rates.of(`rule ${counter}`),
      bits_per_second: this.rates.of(`rule bytes ${counter}`) * bitsPerByte,
      ...(pending === undefined ? this.parts.ending.verdictOf(live.serial) : {}),
      ...(arrived === undefined ? {} : { arrived, missed: Math.max(0, arrived.datagrams - totals.datagrams) }),
      outputs: live.outputs.map((output) => this.outputStatus(output)),
    };
  }

  private outputStatus(live: LiveOutput): OutputStatus {
    const { output, counter, pending } = live;
    const totals = outputTotals(this.parts.workers.pages, counter);
    return {
      group: output.group,
      port: output.port,
      interface: output.interface,
      ...this.effectiveTtl(live),
      ...(output.source_ip === undefined ? {} : { source_ip: output.source_ip }),
      ...(pending === undefined ? {} : { pending }),
      datagrams_sent: totals.sent,
      bytes_sent: totals.sentBytes,
      datagrams_failed: totals.failed,
      datagrams_dropped: totals.dropped,
      datagrams_per_second: this.rates.of(`output ${counter}`),
      bits_per_second: this.rates.of(`output bytes ${counter}`) * bitsPerByte,
      ...(totals.lastErrno > 0 ? { last_error: errnoName(totals.lastErrno) } : {}),
      sends: totals.sends,
    };
  }

  private effectiveTtl({ output }: LiveOutput): { ttl?: number; effective_ttl?: number } {
    if (output.ttl !== undefined) {
      return { ttl: output.ttl };
    }
    return isMulticast(parseIpv4(output.group) ?? 0) ? { effective_ttl: this.parts.outputs.defaultTtl } : {};
  }

  private workerStatus(place: Place): WorkerStatus {
    const { page } = place;
    const pid = place.child?.pid ?? 0;
    const use = pid === 0 ? { resident: 0, private: 0 } : memoryUse(pid);
    const rings = this.parts.captures.list().map((captured) => captured.sockets[place.index]?.ringSize ?? 0);
    return {
      pid,
      core: place.core,
      state: place.state,
      ...(place.reason === undefined ? {} : { reason: place.reason }),
      restarts: place.restarts,
      rss_bytes: use.resident,
      private_bytes: use.private,
      ring_bytes: rings.reduce((sum, each) => sum + each, 0),
      queue: {
        length: Math.max(0, page.ingress("matched") - page.egress("datagrams")),
        length_max: page.egress("queueDepthMax"),
        capacity: limits.queueEntries,
      },
      wakeups_written: page.ingress("wakeupsWritten"),
      wakeups_avoided: page.ingress("wakeupsAvoided"),
      batch_max: page.egress("batchMax"),
      sends: page.egress("sends"),
      sent: page.egress("sent"),
      lines_lost: page.ingress("linesLost") + page.egress("linesLost"),
      failed: page.egress("failed"),
      dropped: page.egress("dropped"),
      send_errors: page.failures(),
      frames: sumFrames([page], this.placeDrops[place.index] ?? 0),
    };
  }

  private linkStatus(): LinkStatus[] {
    const { links, relaying } = this.parts;
    const lives = relaying.list();
    const named = lives.flatMap(({ rule }) => [
      rule.input_interface,
      ...rule.outputs.map((output) => output.interface),
    ]);
    return [...new Set(named)].sort().map((name) => {
      const link = links.table().get(name);
      const [address] = link?.addresses ?? [];
      const way = link === undefined ? undefined : this.parts.ending.wayOf(link.index);
      const inputs = lives.filter(({ rule }) => rule.input_interface === name);
      const groups = new Set(
        inputs
          .filter((live) => live.pending === undefined && isMulticast(parseIpv4(live.rule.input_group) ?? 0))
          .map(({ rule }) => `${rule.input_group} ${rule.input_source}`),
      );
      return {
        name,
        ...(link === undefined ? {} : { index: link.index }),
        state: link === undefined ? "missing" : link.isUp ? "up" : "down",
        ...(address === undefined ? {} : { address: formatIpv4(address.address) }),
        memberships: groups.size,
        inputs: inputs.length,
        outputs: lives.flatMap(({ rule }) => rule.outputs).filter((output) => output.interface === name).length,
        kernel_drops: this.linkDrops.get(name) ?? 0,
        ...(way === undefined ? {} : { ending: way }),
      };
    });
  }

  private readDrops(): void {
    for (const captured of this.parts.captures.list()) {
      for (const [place, socket] of captured.sockets.entries()) {
        if (shim.mcr_capture_counts(socket.fd, scratch.pointer) === 0) {
          const drops = scratch.u32[CaptureCounts.drops / 4] ?? 0;
          const { name } = captured.link;
          this.linkDrops.set(name, (this.linkDrops.get(name) ?? 0) + drops);
          this.placeDrops[place] = (this.placeDrops[place] ?? 0) + drops;
        }
      }
    }
  }
}

/** As MCR spells the states of a worker. */
function statusWord(state: Place["state"]): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}

function sumFrames(pages: readonly Page[], drops: number): FrameStatus {
  const sum = (read: (page: Page) => number) => pages.reduce((all, page) => all + read(page), 0);
  const refusals: Record<string, number> = {};
  for (const page of pages) {
    for (const [name, count] of Object.entries(page.refusals())) {
      refusals[name] = (refusals[name] ?? 0) + count;
    }
  }
  return {
    received: sum((page) => page.ingress("frames")),
    matched: sum((page) => page.ingress("matched")),
    no_match: sum((page) => page.ingress("noMatch")),
    kernel_drops: drops,
    queue_full: sum((page) => page.ingress("queueFull")),
    refusals,
  };
}
