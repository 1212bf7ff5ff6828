// A contender at work, and a stretch of traffic through it, run again when other programs disturbed it.
import { z } from "zod";
import { statusSchema } from "../../src/control/status.ts";
import type { Lab } from "../helpers/namespaces.ts";
import type { Place, Shape } from "./bed.ts";
import type { Contestant } from "./contenders/contender.ts";
import type { BenchOptions } from "./options.ts";
import type { Trial } from "./search.ts";
import { type Counter, type Sent, type Stream, send } from "./traffic.ts";
import { type CpuTime, cpuBetween, cpuTime, machineBusyNs, softirqThreads } from "./usage.ts";

/** Numbers by metric; metrics.ts says what each means. */
export type Sample = Record<string, number>;

/** `floorNs`: what a send costs the generator, per datagram, when the frame is dropped at once. */
export type Session = {
  lab: Lab;
  shape: Shape;
  arrivals: readonly Place[];
  contestant: Contestant;
  options: BenchOptions;
  floorNs: number;
  /** Of every trial that counted: how much of one CPU other programs took. */
  foreign: number[];
};

/** An idle machine's own housekeeping stays below this share of a CPU. */
const foreignMax = 0.1;
/** What a stretch of traffic did; `foreign`: how much of one CPU other programs took meanwhile. */
type Stretch = { sent: Sent; used: CpuTime; foreign: number };
type Counted = Stretch & { delivered: number };

async function stretchOnce(session: Session, stream: Stream): Promise<Stretch> {
  const pids = session.contestant.pids();
  const helpers = softirqThreads();
  const [usedBefore, helpedBefore, busyBefore] = [cpuTime(pids), cpuTime(helpers).totalNs, machineBusyNs()];
  const start = performance.now();
  const sent = await send(session.lab, session.shape.flows, stream, session.options.nice);
  const elapsedNs = (performance.now() - start) * 1e6;
  const [used, busy] = [cpuBetween(usedBefore, cpuTime(pids)), machineBusyNs() - busyBefore];
  const ours = used.totalNs + sent.cpu_ns + cpuTime(helpers).totalNs - helpedBefore;
  return { sent, used, foreign: Math.max(0, busy - ours) / elapsedNs };
}

/** A stretch of traffic and what `look` sees of it. When other programs disturbed it, again: the least disturbed counts. */
export async function undisturbed<T>(
  session: Session,
  stream: Stream,
  look: () => Promise<T>,
): Promise<Stretch & { seen: T }> {
  const once = async () => ({ ...(await stretchOnce(session, stream)), seen: await look() });
  let best = await once();
  for (let again = 0; again < session.options.repeats && best.foreign > foreignMax; again++) {
    const next = await once();
    if (next.foreign < best.foreign) best = next;
  }
  session.foreign.push(best.foreign);
  return best;
}

/** One stretch of traffic, counted on the far side. */
export async function counted(session: Session, counter: Counter, stream: Stream): Promise<Counted> {
  let before = await counter.settled();
  const { seen, ...stretch } = await undisturbed(session, stream, async () => {
    const now = await counter.settled();
    const delivered = now - before;
    before = now;
    return delivered;
  });
  return { ...stretch, delivered: seen };
}

export function asTrial({ sent, delivered }: Counted, outputs: number): Trial {
  const expected = Math.max(1, sent.sent * outputs);
  return {
    offered: (sent.sent * 1e9) / sent.elapsed_ns,
    loss: Math.max(0, 1 - delivered / expected),
    isFull: sent.send_ns > 0.9 * sent.elapsed_ns,
  };
}

const wakeupsSchema = z.object({ Status: statusSchema });

/** Eventfd writes, entries they came too late for, and frames so far, of all workers; undefined for those who have none. */
export async function wakeups({
  contestant,
}: Session): Promise<Record<"written" | "stranded" | "frames", number> | undefined> {
  const status = (await contestant.status?.(wakeupsSchema))?.Status;
  if (status === undefined) return undefined;
  const written = status.workers.reduce((sum, worker) => sum + worker.wakeups_written, 0);
  const stranded = status.workers.reduce((sum, worker) => sum + (worker.stranded ?? 0), 0);
  return { written, stranded, frames: status.frames.received };
}
