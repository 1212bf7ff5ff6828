// Says again, every so often, which groups this host has joined. A switch that snoops keeps a group as long as it hears reports; these are
// answers to a querier, and where there is none the switch forgets after some minutes, and the stream is gone.
//
// The kernel reports by itself when it is asked, when a membership is new and when a link comes up, and cannot be made to without harm
// (tcpdump, Linux 6.18, IGMPv2 and v3): a second socket that joins or leaves, and a source filter that is toggled beside another
// socket, send nothing; leave and join by the last socket sends a leave in version 2, and empties the network card's filter for a
// moment in both. So the supervisor sends the reports itself, from a raw socket, as the kernel would answer a general query: a state that
// is and does not change. No membership is touched, and no datagram can be lost by it.
import { limits } from "../../limits.ts";
import { map } from "../../shim/memory.ts";
import {
  bindLinkIndex,
  closeSocket,
  connect,
  type Failure,
  failureText,
  isFailure,
  openRaw,
  protocolRaw,
  send,
  setOption,
  setOutputLink,
} from "../../shim/socket.ts";
import { type HeldGroup, type Report, reportsOf, spokenVersions } from "../kernel/igmp.ts";
import type { Link } from "../kernel/links.ts";
import type { Memberships, Reported } from "../kernel/memberships.ts";
import type { RejoinWill } from "../succession/will.ts";

/** What was sent on a link so far, and what is wrong with it now. */
export type RejoinCounts = { reports: number; failed: number; lastMs: number | undefined; problem: string | undefined };

/** What it reports, and whom it tells. */
export type RejoinParts = {
  links: { table(): ReadonlyMap<string, Link> };
  memberships: Pick<Memberships, "list">;
  /** For what has no interval of its own; 0: never. */
  intervalSeconds: number;
  onNews: (level: "Info" | "Warning" | "Debug", message: string, fields?: Record<string, string | number>) => void;
};

/** How often it is looked what is due: intervals are whole seconds. */
const lookMs = 1000;
// 224.0.0.0/24 reaches every port of every switch (RFC 4541, 2.1.2).
const isEverywhere = (group: number) => group >>> 8 === 0xe00000;
const reportMemory = map(limits.rejoinReportSizeMax);

/** The reports, their period and their counts. */
export class Rejoin {
  private readonly parts: RejoinParts;
  private readonly byLink = new Map<string, RejoinCounts>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private isUnderWay = false;
  /** What is held as of the last look, by how often it is reported; and when each is due next. */
  private known: readonly Reported[] = [];
  private bySeconds = new Map<number, Reported[]>();
  private readonly dueMs = new Map<number, number>();
  /** Memberships in a version of their own that were reported once. */
  private said: ReadonlySet<string> = new Set();

  constructor(parts: RejoinParts) {
    this.parts = parts;
  }

  begin(): void {
    this.dueMs.set(this.parts.intervalSeconds, performance.now() + this.parts.intervalSeconds * 1000);
    this.timer = setInterval(() => void this.round(performance.now()), lookMs);
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** What was sent, for the supervisor after us. */
  get bequest(): RejoinWill {
    return [...this.byLink].map(([link, { reports, failed }]) => ({ link, reports, failed }));
  }

  /** Goes on counting where the supervisor before us ended. */
  inherit(counts: RejoinWill): void {
    for (const { link, reports, failed } of counts) {
      this.byLink.set(link, { reports, failed, lastMs: undefined, problem: undefined });
    }
  }

  /** What was sent on a link, undefined when nothing ever was. */
  countsOf(linkName: string): RejoinCounts | undefined {
    return this.byLink.get(linkName);
  }

  /** Reports what is due. One round at a time: what takes longer than a period is not begun again. */
  private async round(nowMs: number): Promise<void> {
    if (this.isUnderWay) {
      return;
    }
    this.isUnderWay = true;
    try {
      const due = [...this.fresh(), ...this.due(nowMs)];
      if (due.length > 0) {
        await this.report(due);
      }
    } finally {
      this.isUnderWay = false;
    }
  }

  /**
   * Memberships that are new and wanted in a version of their own: the kernel has joined them in the link's, which whoever asked
   * for another may not understand.
   */
  private fresh(): Reported[] {
    const list = this.parts.memberships.list();
    if (list === this.known) {
      return [];
    }
    this.known = list;
    this.bySeconds = Map.groupBy(list, ({ rejoinSeconds }) => rejoinSeconds ?? this.parts.intervalSeconds);
    const own = list.filter(({ igmpVersion }) => igmpVersion !== undefined);
    const before = this.said;
    this.said = new Set(own.map(wordsOf));
    return own.filter((each) => !before.has(wordsOf(each)));
  }

  private due(nowMs: number): Reported[] {
    return [...this.bySeconds].flatMap(([seconds, some]) => {
      const dueMs = this.dueMs.get(seconds) ?? nowMs + seconds * 1000;
      // A timer rings a little early or late.
      const isDue = seconds > 0 && nowMs + lookMs / 2 >= dueMs;
      this.dueMs.set(seconds, isDue ? Math.max(dueMs, nowMs - lookMs) + seconds * 1000 : dueMs);
      return isDue ? some : [];
    });
  }

  private async report(due: readonly Reported[]): Promise<void> {
    const versions = spokenVersions();
    const wanted = Map.groupBy(
      due.filter(({ group }) => !isEverywhere(group)),
      ({ linkIndex }) => linkIndex,
    );
    let isFirst = true;
    for (const link of this.parts.links.table().values()) {
      if (!link.isUp || link.isLoopback) {
        continue;
      }
      const size = Math.min(link.mtu, limits.rejoinReportSizeMax);
      const spoken = versions.get(link.index) ?? 3;
      const byVersion = Map.groupBy(wanted.get(link.index) ?? [], ({ igmpVersion }) => igmpVersion ?? spoken);
      const reports = [...byVersion].flatMap(([version, held]) => reportsOf(version, groupsOf(held), size));
      for (let at = 0; at < reports.length; at += limits.rejoinBurstMax) {
        // A switch looks at reports with its slow CPU: thousands at once would be lost there.
        if (!isFirst) {
          await Bun.sleep(limits.rejoinPauseMs);
        }
        isFirst = false;
        this.note(link.name, sendReports(link, reports.slice(at, at + limits.rejoinBurstMax)));
      }
    }
  }

  private note(linkName: string, { sent, groups, failure }: Sent): void {
    const counts = this.byLink.get(linkName) ?? { reports: 0, failed: 0, lastMs: undefined, problem: undefined };
    const problem = failure && failureText(failure);
    if (problem !== undefined && problem !== counts.problem) {
      this.parts.onNews("Warning", "memberships could not be reported again", { link: linkName, reason: problem });
    } else if (problem === undefined && counts.problem !== undefined) {
      this.parts.onNews("Info", "memberships are reported again", { link: linkName });
    }
    this.parts.onNews("Debug", "memberships reported", { link: linkName, reports: sent, groups });
    this.byLink.set(linkName, {
      reports: counts.reports + sent,
      failed: counts.failed + (failure === undefined ? 0 : 1),
      lastMs: sent > 0 ? performance.now() : counts.lastMs,
      problem,
    });
  }
}

type Sent = { sent: number; groups: number; failure: Failure | undefined };

/** Sends until the first failure: what fails for one report of a link fails for all. */
function sendReports(link: Link, reports: readonly Report[]): Sent {
  const fd = openRaw(protocolRaw);
  if (isFailure(fd)) {
    return { sent: 0, groups: 0, failure: fd };
  }
  let failure = bindLinkIndex(fd, link.index) ?? setOutputLink(fd, link.index) ?? setOption(fd, "IP_MULTICAST_LOOP", 0);
  let [sent, groups] = [0, 0];
  for (const report of reports) {
    failure ??= sendReport(fd, report);
    if (failure !== undefined) {
      break;
    }
    sent++;
    groups += report.groupCount;
  }
  closeSocket(fd);
  return { sent, groups, failure };
}

function sendReport(fd: number, { destination, bytes }: Report): Failure | undefined {
  reportMemory.u8.set(bytes);
  const failure = connect(fd, destination, 0);
  const result = failure ?? send(fd, reportMemory, bytes.length);
  return isFailure(result) ? result : undefined;
}

/** Groups with all their sources: none means any, and that is more than some. */
function groupsOf(held: readonly Reported[]): HeldGroup[] {
  const groups = Map.groupBy(held, (each) => each.group);
  return [...groups].map(([group, all]) => ({
    group,
    sources: all.some(({ source }) => source === 0) ? [] : [...new Set(all.map(({ source }) => source))],
  }));
}

function wordsOf({ linkIndex, group, source, igmpVersion }: Reported): string {
  return `${linkIndex} ${group} ${source} ${igmpVersion}`;
}
