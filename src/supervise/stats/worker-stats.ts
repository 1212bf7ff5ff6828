// What a worker's counter page and process say, in the words of GetStatus.
import type { FrameStatus, Latency, Status, WorkerStatus } from "../../control/status.ts";
import { limits } from "../../limits.ts";
import { latencyOf } from "../counters/latency-window.ts";
import type { Page } from "../counters/pages.ts";
import type { Place } from "../workers/place.ts";
import { cpuSeconds } from "./cpu-use.ts";
import { memoryUse } from "./memory-use.ts";

/** What is known of a worker beside its page. */
export type WorkerFacts = { ringSize: number; kernelDrops: number; cpuShare: number; latencyMinute: Latency };

/** One worker as it stands. */
export function workerStatus(
  place: Place,
  { ringSize, kernelDrops, cpuShare, latencyMinute }: WorkerFacts,
): WorkerStatus {
  const { page } = place;
  const pid = place.child?.pid ?? 0;
  const use = pid === 0 ? { resident: 0, private: 0 } : memoryUse(pid);
  return {
    pid,
    core: place.core,
    state: place.state,
    ...(place.reason === undefined ? {} : { reason: place.reason }),
    restarts: place.restarts,
    ...(place.child?.io === undefined ? {} : { io: place.child.io }),
    stalls: place.stalls,
    rule_repairs: place.repairs,
    ...(place.child === undefined ? {} : { heartbeat_seconds: place.child.heartbeatAgeMs / 1000 }),
    rss_bytes: use.resident,
    private_bytes: use.private,
    ring_bytes: ringSize,
    cpu_seconds: pid === 0 ? 0 : cpuSeconds(pid),
    cpu_share: cpuShare,
    queue: {
      length: Math.max(0, page.ingress("datagrams") - page.egress("taken")),
      length_max: page.egress("queueDepthMax"),
      capacity: limits.queueEntries,
    },
    wakeups_written: page.ingress("wakeupsWritten"),
    wakeups_avoided: page.ingress("wakeupsAvoided"),
    stranded: page.egress("stranded"),
    heap_bytes: { ingress: page.ingress("heapBytes"), egress: page.egress("heapBytes") },
    batch_max: page.egress("batchMax"),
    batches: page.batches(),
    sends: page.egress("sends"),
    sent: page.egress("sent"),
    lines_lost: page.ingress("linesLost") + page.egress("linesLost"),
    failed: page.egress("failed"),
    dropped: page.egress("dropped"),
    dropped_by_death: page.egress("died"),
    dropped_without_rule: page.egress("unknownRule"),
    in_flight: page.egress("inFlight"),
    send_errors: page.failures(),
    stall_us: { ingress: page.ingress("stallMaxUs"), egress: page.egress("stallMaxUs") },
    latency: latencyOf([page]),
    latency_minute: latencyMinute,
    latency_buckets: [...page.latencies()],
    latency_sum_us: page.egress("latencySumUs"),
    frames: framesOf([page], kernelDrops),
  };
}

/** The worker in reserve; nothing while there is none. */
export function spareStatus(pid: number | undefined, isReady: boolean): Pick<Status, "spare"> {
  if (pid === undefined) {
    return {};
  }
  const use = memoryUse(pid);
  const cpu = cpuSeconds(pid);
  return {
    spare: { pid, is_ready: isReady, rss_bytes: use.resident, private_bytes: use.private, cpu_seconds: cpu },
  };
}

/** What became of the frames of all pages; `drops` are the kernel's. */
export function framesOf(pages: readonly Page[], drops: number): FrameStatus {
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
    queue_pauses: sum((page) => page.ingress("queueFull")),
    refusals,
  };
}
