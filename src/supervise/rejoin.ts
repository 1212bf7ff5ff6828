// Says again, every so often, which groups this host has joined. A switch that snoops keeps a group as long as it hears reports; these are
// answers to a querier, and where there is none the switch forgets after some minutes, and the stream is gone.
//
// The kernel reports by itself when it is asked, when a membership is new and when a link comes up, and cannot be made to without harm
// (tcpdump, Linux 6.18, IGMPv2 and v3): a second socket that joins or leaves, and a source filter that is toggled beside another
// socket, send nothing; leave and join by the last socket sends a leave in version 2, and empties the network card's filter for a
// moment in both. So the supervisor sends the reports itself, from a raw socket, as the kernel would answer a general query: a state that
// is and does not change. No membership is touched, and no datagram can be lost by it.
import { readFileSync } from "node:fs";
import { reasonOf } from "../base/outcome.ts";
import { limits } from "../limits.ts";
import { map } from "../shim/memory.ts";
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
} from "../shim/socket.ts";
import { type HeldGroup, type Report, reportsOf, versionsIn } from "./igmp.ts";
import type { Link } from "./links.ts";
import type { Memberships } from "./memberships.ts";

/** What was sent on a link so far, and what is wrong with it now. */
export type RejoinCounts = { reports: number; failed: number; lastMs: number | undefined; problem: string | undefined };

/** What it reports, and whom it tells. */
export type RejoinParts = {
  links: { table(): ReadonlyMap<string, Link> };
  memberships: Pick<Memberships, "list">;
  /** 0: never. */
  intervalSeconds: number;
  onNews: (level: "Info" | "Warning" | "Debug", message: string, fields?: Record<string, string | number>) => void;
};

// 224.0.0.0/24 reaches every port of every switch (RFC 4541, 2.1.2).
const isEverywhere = (group: number) => group >>> 8 === 0xe00000;
const reportMemory = map(limits.rejoinReportSizeMax);

/** The reports, their period and their counts. */
export class Rejoin {
  private readonly parts: RejoinParts;
  private readonly byLink = new Map<string, RejoinCounts>();
  private timer: ReturnType<typeof setInterval> | undefined;
  private isUnderWay = false;

  constructor(parts: RejoinParts) {
    this.parts = parts;
  }

  begin(): void {
    const { intervalSeconds } = this.parts;
    if (intervalSeconds > 0) {
      this.timer = setInterval(() => void this.round(), intervalSeconds * 1000);
    }
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** What was sent on a link, undefined when nothing ever was. */
  countsOf(linkName: string): RejoinCounts | undefined {
    return this.byLink.get(linkName);
  }

  /** Reports everything once. One at a time: what takes longer than the period is not begun again. */
  async round(): Promise<void> {
    if (this.isUnderWay) {
      return;
    }
    this.isUnderWay = true;
    try {
      await this.reportAll();
    } finally {
      this.isUnderWay = false;
    }
  }

  private async reportAll(): Promise<void> {
    const versions = versionsIn(readProc());
    const held = heldByLink(this.parts.memberships.list());
    let isFirst = true;
    for (const link of this.parts.links.table().values()) {
      const groups = held.get(link.index) ?? [];
      if (groups.length === 0 || !link.isUp || link.isLoopback) {
        continue;
      }
      const size = Math.min(link.mtu, limits.rejoinReportSizeMax);
      const reports = reportsOf(versions.get(link.index) ?? 3, groups, size);
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

/** Groups by link, with all their sources: none means any, and that is more than some. */
function heldByLink(held: ReturnType<Memberships["list"]>): Map<number, HeldGroup[]> {
  const byLink = new Map<number, HeldGroup[]>();
  const wanted = held.filter(({ group }) => !isEverywhere(group));
  for (const [linkIndex, ofLink] of Map.groupBy(wanted, (each) => each.linkIndex)) {
    const groups = Map.groupBy(ofLink, (each) => each.group);
    byLink.set(
      linkIndex,
      [...groups].map(([group, all]) => ({
        group,
        sources: all.some(({ source }) => source === 0) ? [] : all.map(({ source }) => source),
      })),
    );
  }
  return byLink;
}

function readProc(): string {
  try {
    return readFileSync("/proc/net/igmp", "utf8");
  } catch (thrown) {
    // Without /proc every link is taken to speak version 3, as the kernel does until it hears an older querier.
    return reasonOf(thrown).slice(0, 0);
  }
}
