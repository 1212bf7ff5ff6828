// gen: sends what was asked for, when it is due, and says what became of it.
import { exitCodes } from "../base/exit.ts";
import { count as format } from "../ctl/units.ts";
import type { Given } from "../ctl/verb.ts";
import { limits } from "../limits.ts";
import { errnoName } from "../shim/errno.ts";
import { sharpenWaits } from "../shim/process.ts";
import { closeSocket } from "../shim/socket.ts";
import { monotonicNs, sleepUntil } from "../shim/traffic.ts";
import { command } from "./command.ts";
import { Histogram } from "./histogram.ts";
import { findLink } from "./link.ts";
import { openSenders } from "./open.ts";
import { Doze, Pace } from "./pace.ts";
import { complain, errorsText, type GenResult, Progress, renderGen, say, timesOf } from "./report.ts";
import { Sender } from "./sender.ts";
import { type GenSettings, genSettings } from "./settings.ts";
import { type Life, runSlices } from "./slices.ts";

/** Datagrams taken from the schedule at once. The last one's time of sending is this many sends old when it leaves. */
const batchDatagrams = 16;
/** A rate counts as held from here on; what is short of it by less is rounding. */
const heldShare = 0.995;

/** Runs `mcr-appliance gen` with what it was given; returns the exit code. */
export function run(given: Given): Promise<number> {
  return command("gen", given, genSettings, async (settings) => {
    const link = settings.link === undefined ? undefined : findLink(settings.link);
    if (link?.ok === false) {
      return refuse(link.error);
    }
    const fds = openSenders(settings, link?.value);
    if (!fds.ok) {
      return refuse(fds.error);
    }
    const isQuiet = given.flag("quiet");
    const progress = new Progress(isQuiet);
    const result = await generate(settings, fds.value, (second) => progress.show(secondText(second)));
    progress.end();
    if (given.flag("json")) {
      say(JSON.stringify(result, null, 2));
    } else if (!isQuiet) {
      say(renderGen(result));
    }
    return result.failed > 0 ? exitCodes.system : exitCodes.ok;
  });
}

function refuse(error: string): number {
  complain(`mcr-appliance gen: ${error}`);
  return exitCodes.system;
}

/** What one second brought: totals, and what came since the second before. */
export type Second = {
  sent: number;
  failed: number;
  sentSince: number;
  bytesSince: number;
  errors: Map<string, number>;
};

function secondText({ sent, sentSince, failed, errors }: Second): string {
  const refused = errors.size === 0 ? "" : `, refused: ${errorsText(errors)}`;
  return `${format(sent)} sent, ${format(sentSince)}/s, ${format(failed)} failed${refused}`;
}

/** Sends what `settings` ask for by the connected sockets `fds`, which it closes at the end, and `tell`s every second. */
export async function generate(
  settings: GenSettings,
  fds: readonly number[],
  tell: (second: Second) => void,
): Promise<GenResult> {
  const generation = new Generation(settings, fds, tell);
  const isInterrupted = await runSlices(generation);
  const result = generation.result(isInterrupted);
  generation.close();
  fds.forEach(closeSocket);
  return result;
}

/** One run: the schedule, the sender, and the time. */
class Generation implements Life {
  private readonly settings: GenSettings;
  private readonly sender: Sender;
  private readonly pace: Pace;
  private readonly doze = new Doze();
  private readonly lateness = new Histogram();
  private readonly tell: (second: Second) => void;
  private readonly intervalNs: number;
  private readonly startNs: number;
  private readonly endNs: number;
  private readonly countMax: number;
  /** Datagrams that go out back to back. */
  private readonly unitSize: number;
  private readonly unitsMax: number;
  private lastNs: number;
  private unit = 0;
  private reportedSent = 0;
  private reportedBytes = 0;

  constructor(settings: GenSettings, fds: readonly number[], tell: (second: Second) => void) {
    const { rate, burst, duration, count } = settings;
    this.settings = settings;
    this.tell = tell;
    this.sender = new Sender(fds, settings);
    // A send of several segments is a burst, whether asked for or not.
    this.unitSize = Math.max(burst, settings.gso);
    this.unitsMax = Math.max(1, Math.floor((batchDatagrams * settings.gso) / this.unitSize));
    this.startNs = monotonicNs();
    this.lastNs = this.startNs;
    this.intervalNs = rate === 0 ? 0 : (this.unitSize * 1e9) / rate;
    this.pace = new Pace(this.intervalNs, this.startNs, limits.trafficLagMaxMs * 1e6);
    this.endNs = duration === undefined ? Number.POSITIVE_INFINITY : this.startNs + duration * 1e9;
    this.countMax = count ?? Number.POSITIVE_INFINITY;
    sharpenWaits();
  }

  slice(): boolean {
    const sliceStartNs = monotonicNs();
    const sliceEndNs = sliceStartNs + limits.trafficSliceMs * 1e6;
    const deadlineNs = sliceStartNs + limits.trafficSliceMaxMs * 1e6;
    for (let nowNs = sliceStartNs; nowNs < sliceEndNs; nowNs = monotonicNs()) {
      if (this.isDone(nowNs)) {
        return true;
      }
      const { dueNs } = this.pace;
      const units = this.pace.take(nowNs, Math.min(this.unitsMax, Math.ceil(this.left / this.unitSize)));
      if (units === 0) {
        this.waitUntil(Math.min(this.pace.dueNs, this.endNs), sliceEndNs);
      } else {
        this.lateness.add(nowNs - dueNs);
        this.sendUnits(units, deadlineNs);
      }
    }
    return this.isDone(monotonicNs());
  }

  private get left(): number {
    return this.countMax - this.sender.sent - this.sender.failed;
  }

  private isDone(nowNs: number): boolean {
    return nowNs >= this.endNs || this.left <= 0;
  }

  /** Units go to the flows in turn; what is due for one flow travels together. */
  private sendUnits(units: number, deadlineNs: number): void {
    const flows = this.settings.targets.length;
    for (let turn = 0; turn < Math.min(flows, units); turn++) {
      const share = Math.floor((units - turn - 1) / flows) + 1;
      const count = Math.min(share * this.unitSize, this.left);
      if (count > 0) {
        this.sender.send((this.unit + turn) % flows, count, deadlineNs);
      }
    }
    this.unit += units;
    this.lastNs = monotonicNs();
  }

  /**
   * Sleeps most of the time and burns the rest, because a sleep alone ends tens of microseconds late. Never burns more than
   * half of it: a relay on this machine needs the processor more than the schedule needs the last microseconds.
   */
  private waitUntil(dueNs: number, sliceEndNs: number): void {
    const wakeNs = Math.min(dueNs - Math.min(this.doze.marginNs, this.intervalNs / 2), sliceEndNs);
    const nowNs = monotonicNs();
    if (wakeNs > nowNs && this.settings.spins !== true) {
      sleepUntil(wakeNs);
      this.doze.learn(monotonicNs() - wakeNs);
    }
    for (const untilNs = Math.min(dueNs, sliceEndNs); monotonicNs() < untilNs; );
  }

  everySecond(): void {
    const { sent, sentBytes, failed } = this.sender;
    const since = { sentSince: sent - this.reportedSent, bytesSince: sentBytes - this.reportedBytes };
    this.tell({ sent, failed, ...since, errors: this.errors });
    this.reportedSent = sent;
    this.reportedBytes = sentBytes;
  }

  private get errors(): Map<string, number> {
    return new Map([...this.sender.refusals].map(([code, times]) => [errnoName(code), times]));
  }

  result(isInterrupted: boolean): GenResult {
    const { sent, sentBytes, failed } = this.sender;
    const { rate } = this.settings;
    // The last datagram fills its interval too: N at rate R take N/R.
    const scheduleEndNs = rate === 0 || isInterrupted ? this.lastNs : Math.min(this.pace.dueNs, this.endNs);
    const seconds = (Math.max(this.lastNs, scheduleEndNs) - this.startNs) / 1e9;
    const reached = seconds > 0 ? sent / seconds : 0;
    return {
      sent,
      bytes: sentBytes,
      failed,
      errors: Object.fromEntries(this.errors),
      flows: this.settings.targets.length,
      seconds,
      rate: reached,
      bits_per_second: seconds > 0 ? (sentBytes * 8) / seconds : 0,
      asked_rate: rate === 0 ? null : rate,
      held: rate === 0 || sent === 0 || reached >= rate * heldShare,
      late_us: rate === 0 ? null : timesOf(this.lateness),
      slipped_ms: this.pace.slippedNs / 1e6,
      interrupted: isInterrupted,
    };
  }

  close(): void {
    this.sender.close();
  }
}
