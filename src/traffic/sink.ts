// sink: hears what gen sent, and says what is missing.
import { writeSync } from "node:fs";
import { exitCodes } from "../base/exit.ts";
import { codeOf } from "../base/outcome.ts";
import { count as format } from "../ctl/units.ts";
import type { Given } from "../ctl/verb.ts";
import { limits } from "../limits.ts";
import { errnoName } from "../shim/errno.ts";
import { closeSocket } from "../shim/socket.ts";
import { monotonicNs } from "../shim/traffic.ts";
import { command } from "./command.ts";
import { Histogram } from "./histogram.ts";
import { findLink } from "./link.ts";
import { openReceivers } from "./open.ts";
import { Receiver } from "./receiver.ts";
import { complain, flowOf, Progress, renderSink, type SinkResult, say, timesOf } from "./report.ts";
import { type SinkSettings, sinkSettings } from "./settings.ts";
import { type Life, runSlices } from "./slices.ts";
import { describeTarget } from "./targets.ts";
import { isComplete, missing, sum } from "./verify.ts";

/** Runs `mcr-appliance sink` with what it was given; returns the exit code. */
export function run(given: Given): Promise<number> {
  return command("sink", given, sinkSettings, async (settings) => {
    const link = settings.link === undefined ? undefined : findLink(settings.link);
    if (link?.ok === false) {
      return refuse(link.error);
    }
    const fds = openReceivers(settings.targets, link?.value, settings.rcvbuf);
    if (!fds.ok) {
      return refuse(fds.error);
    }
    const isQuiet = given.flag("quiet");
    const reception = new Reception(settings, fds.value, new Progress(isQuiet));
    if (!sayReady(settings.readyFd, isQuiet)) {
      return refuse(`--ready-fd: ${settings.readyFd} cannot be written to`);
    }
    const isInterrupted = await runSlices(reception);
    const result = reception.end(isInterrupted);
    fds.value.forEach(closeSocket);
    if (given.flag("json")) {
      say(JSON.stringify(result, null, 2));
    } else if (!isQuiet) {
      say(renderSink(result));
    }
    if (reception.failure !== 0) {
      return refuse(`receiving failed: ${errnoName(reception.failure)}`);
    }
    return result.complete ? exitCodes.ok : exitCodes.refused;
  });
}

function refuse(error: string): number {
  complain(`mcr-appliance sink: ${error}`);
  return exitCodes.system;
}

/** Scripts wait for this line instead of sleeping. Quiet is for people: whoever names a descriptor gets it there. */
function sayReady(fd: number | undefined, isQuiet: boolean): boolean {
  if (fd === undefined) {
    if (!isQuiet) {
      complain("ready");
    }
    return true;
  }
  try {
    writeSync(fd, "ready\n");
    return true;
  } catch (refusal) {
    return codeOf(refusal) === "EPIPE";
  }
}

/** One run: the receiver, and when to end. */
class Reception implements Life {
  /** A positive errno when a socket failed. */
  failure = 0;
  private readonly settings: SinkSettings;
  private readonly receiver: Receiver;
  private readonly progress: Progress;
  private readonly endNs: number;
  private reported = 0;

  constructor(settings: SinkSettings, fds: readonly number[], progress: Progress) {
    this.settings = settings;
    this.progress = progress;
    this.receiver = new Receiver(fds);
    const { duration } = settings;
    this.endNs = duration === undefined ? Number.POSITIVE_INFINITY : monotonicNs() + duration * 1e9;
  }

  slice(): boolean {
    const countMax = this.settings.count ?? Number.POSITIVE_INFINITY;
    const untilNs = Math.min(monotonicNs() + limits.trafficSliceMs * 1e6, this.endNs, this.silentNs);
    this.failure = this.receiver.take(untilNs, countMax);
    const nowNs = monotonicNs();
    return this.failure !== 0 || nowNs >= this.endNs || nowNs >= this.silentNs || this.receiver.received >= countMax;
  }

  /** When the silence will have lasted long enough. */
  private get silentNs(): number {
    const { idle } = this.settings;
    const { lastNs } = this.receiver;
    return idle === undefined || lastNs === 0 ? Number.POSITIVE_INFINITY : lastNs + idle * 1e9;
  }

  everySecond(): void {
    const totals = sum(this.receiver.verifiers.map((verifier) => verifier.totals()));
    const perSecond = `${format(totals.received - this.reported)}/s`;
    const bad = `${format(totals.lost)} lost, ${format(totals.duplicated)} duplicated, ${format(totals.corrupt)} corrupt`;
    this.progress.show(`${format(totals.received)} received, ${perSecond}, ${bad}`);
    this.reported = totals.received;
  }

  /** The result; the receiver is closed. */
  end(isInterrupted: boolean): SinkResult {
    this.progress.end();
    const { receiver, settings } = this;
    const parts = receiver.verifiers.map((verifier) => verifier.totals());
    const totals = sum(parts);
    const latency = new Histogram();
    for (const verifier of receiver.verifiers) {
      latency.merge(verifier.latency);
    }
    const seconds = (receiver.lastNs - receiver.firstNs) / 1e9;
    const { reorderedByMax, first, last, ...counts } = totals;
    const result: SinkResult = {
      ...counts,
      expected: settings.expect ?? null,
      lost: missing(totals, settings.expect),
      reordered_by_max: reorderedByMax,
      seconds,
      rate: seconds > 0 ? totals.received / seconds : 0,
      bits_per_second: seconds > 0 ? (totals.bytes * 8) / seconds : 0,
      latency_us: timesOf(latency),
      first_sequence: first ?? null,
      last_sequence: last ?? null,
      kernel_drops: receiver.drops,
      complete: isComplete(totals, settings.expect),
      interrupted: isInterrupted,
      flows: parts.map((part, index) => flowOf(describeTarget(settings.targets[index] ?? { group: 0, port: 0 }), part)),
    };
    receiver.close();
    return result;
  }
}
