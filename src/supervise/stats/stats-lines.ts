// The periodic [STATS] and [FLOW_STATS] lines that tools of this field read (INTEROP.md 8). They are said here, from the
// counter pages, on behalf of the workers: a worker has better things to do.
import type { FlowStats } from "../../control/words.ts";
import { limits } from "../../limits.ts";
import type { Log } from "../../log/forward.ts";
import type { Place } from "../workers/place.ts";

/** What the lines are made from; `flows` as in Stats. */
export type StatsLinesParts = {
  log: Pick<Log, "say">;
  places: () => readonly Place[];
  flows: () => FlowStats[];
  /** Of MCR_STATS_INTERVAL_MS; 0: whenever so many more datagrams were sent as MCR says. */
  intervalMs: number;
  nowMs: () => number;
};

const sentPerLine = 10_000;

/** Knows when the lines are due and what they said last. */
export class StatsLines {
  private readonly parts: StatsLinesParts;
  private readonly startMs: number;
  private saidMs: number;
  private saidSent = 0;
  private readonly saidPackets = new Map<string, number>();

  constructor(parts: StatsLinesParts) {
    this.parts = parts;
    this.startMs = parts.nowMs();
    this.saidMs = this.startMs;
  }

  /** To be called often: says the lines when they are due. */
  tick(): void {
    const { intervalMs, nowMs, places } = this.parts;
    const sent = places().reduce((sum, { page }) => sum + page.egress("sent"), 0);
    const isDue = intervalMs === 0 ? sent - this.saidSent >= sentPerLine : nowMs() - this.saidMs >= intervalMs;
    if (isDue) {
      this.saidSent = sent;
      // In step with the start, so that a late tick does not move all that follow.
      this.saidMs = intervalMs === 0 ? nowMs() : nowMs() - ((nowMs() - this.startMs) % intervalMs);
      this.sayWorkers();
      this.sayFlows();
    }
  }

  private sayWorkers(): void {
    const { log, places, nowMs } = this.parts;
    for (const { page, index, child } of places()) {
      if (child !== undefined) {
        const line =
          `[STATS] t_ms=${Math.round(nowMs() - this.startMs)} rx=${page.ingress("frames")} tx=${page.egress("sent")} ` +
          `matched=${page.ingress("matched")} not_matched=${page.ingress("noMatch")} rx_err=0 ` +
          `tx_err=${page.egress("failed")} buf_exhaust=${page.refusals()["large_slots_full"] ?? 0} pipe_err=0`;
        log.say("Info", line, undefined, "Stats", { worker: index, pid: child.pid });
      }
    }
  }

  /** Flows that went on since the last time, the fastest first; a rule set of thousands must not flood its own log. */
  private sayFlows(): void {
    const { log, flows } = this.parts;
    const moved = flows().filter((flow) => {
      // Most of thousands: nothing is remembered of them.
      if (flow.packets_relayed === 0) {
        return false;
      }
      const key = `${flow.input_group}:${flow.input_port}`;
      const before = this.saidPackets.get(key) ?? 0;
      this.saidPackets.set(key, flow.packets_relayed);
      return flow.packets_relayed !== before;
    });
    moved.sort((a, b) => b.packets_per_second - a.packets_per_second);
    for (const flow of moved.slice(0, limits.logFlowsMax)) {
      const line =
        `[FLOW_STATS] ${flow.input_group}:${flow.input_port} packets=${flow.packets_relayed} ` +
        `bytes=${flow.bytes_relayed} pps=${flow.packets_per_second.toFixed(0)} bps=${flow.bits_per_second.toFixed(0)}`;
      log.say("Info", line, undefined, "Stats");
    }
    if (moved.length > limits.logFlowsMax) {
      log.say("Info", `${moved.length - limits.logFlowsMax} more flows moved; 'stats' shows all`, undefined, "Stats");
    }
  }
}
