// What is measured, and how: each measure takes a contender that runs already and returns numbers by name.
import { z } from "zod";
import { statusSchema } from "../../src/control/status.ts";
import type { Lab } from "../helpers/namespaces.ts";
import { input, type Place, relayCpu, type Shape } from "./bed.ts";
import type { Contender, Contestant } from "./contenders/contender.ts";
import type { BenchOptions, MeasureName } from "./options.ts";
import { highestRate, type Trial, unlimited } from "./search.ts";
import { Counter, openReceiver, received, type Sent, type Stream, send } from "./traffic.ts";
import { type CpuTime, cpuBetween, cpuTime, machineBusyNs, memory, softirqThreads } from "./usage.ts";

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

/** `only`: a question to contenders of one kind alone. */
export type Measure = {
  name: MeasureName;
  shape: Shape;
  only?: Contender["kind"];
  take(session: Session): Promise<Sample>;
};

/** An idle machine's own housekeeping stays below this share of a CPU. */
const foreignMax = 0.1;
/** Sixteen frames back to back are what a NIC with moderated interrupts hands over at such rates. */
const saturationBurst = 16;
/** As fast as it goes: larger bursts cost the generator less. */
const unlimitedBurst = 32;
/** The generator cannot make 200,000 separate sends a second beside the receive path; fours leave it room. */
export const cpuBurst = 4;
const one: Shape = { flows: 1, outputs: 1, rules: 1 };
const search = { lossMax: 0.001, tolerance: 0.03, trialsMax: 30 };

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
async function undisturbed<T>(
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
async function counted(session: Session, counter: Counter, stream: Stream): Promise<Counted> {
  let before = await counter.settled();
  const { seen, ...stretch } = await undisturbed(session, stream, async () => {
    const now = await counter.settled();
    const delivered = now - before;
    before = now;
    return delivered;
  });
  return { ...stretch, delivered: seen };
}

function asTrial({ sent, delivered }: Counted, outputs: number): Trial {
  const expected = Math.max(1, sent.sent * outputs);
  return {
    offered: (sent.sent * 1e9) / sent.elapsed_ns,
    loss: Math.max(0, 1 - delivered / expected),
    isFull: sent.send_ns > 0.9 * sent.elapsed_ns,
  };
}

async function withCounter<T>(session: Session, work: (counter: Counter) => Promise<T>): Promise<T> {
  const counter = await Counter.open(session.lab);
  try {
    return await work(counter);
  } finally {
    await counter.close();
  }
}

function searchRate(session: Session, counter: Counter, size: number) {
  const { seconds } = session.options;
  const trial = async (rate: number) =>
    asTrial(
      await counted(session, counter, {
        size,
        rate,
        burst: rate === unlimited ? unlimitedBurst : saturationBurst,
        seconds,
      }),
      session.shape.outputs,
    );
  return highestRate(trial, { ...search, tolerance: session.options.isQuick ? 0.06 : search.tolerance });
}

async function takeRates(session: Session): Promise<Sample> {
  return withCounter(session, async (counter) => {
    const sample: Sample = {};
    for (const size of session.options.sizes) {
      const { rate, isLimited } = await searchRate(session, counter, size);
      sample[`rate_${size}`] = rate;
      if (isLimited) sample[`rate_${size}_limited`] = 1;
    }
    return sample;
  });
}

async function takeLatency(session: Session): Promise<Sample> {
  const receiver = await openReceiver(session.lab, session.arrivals, session.shape.flows);
  try {
    const seconds = 2 * session.options.seconds;
    const stream = { size: 1400, rate: 20_000, burst: 1, seconds };
    const { sent, seen: result } = await undisturbed(session, stream, () => received(receiver));
    return {
      latency_p50: result.p50_ns / 1000,
      latency_p99: result.p99_ns / 1000,
      latency_p999: result.p999_ns / 1000,
      latency_loss: 1 - result.received / Math.max(1, sent.sent),
      latency_late: result.late,
    };
  } finally {
    await receiver.close();
  }
}

const wakeupsSchema = z.object({ Status: statusSchema });

/** Eventfd writes and frames so far, of all workers; undefined for those who have none. */
async function wakeups({ contestant }: Session): Promise<{ written: number; frames: number } | undefined> {
  const status = (await contestant.status?.(wakeupsSchema))?.Status;
  if (status === undefined) return undefined;
  const written = status.workers.reduce((sum, worker) => sum + worker.wakeups_written, 0);
  return { written, frames: status.frames.received };
}

/** A stretch of traffic with what it cost; metric names begin with `prefix`. */
async function takeCost(session: Session, prefix: string, stream: Stream): Promise<Sample> {
  return withCounter(session, async (counter) => {
    const wokenBefore = await wakeups(session);
    const { sent, delivered, used } = await counted(session, counter, stream);
    const woken = await wakeups(session);
    const inputs = delivered / session.shape.outputs;
    const sample: Sample = {
      [`${prefix}_offered`]: (sent.sent * 1e9) / sent.elapsed_ns,
      [`${prefix}_loss`]: Math.max(0, 1 - inputs / Math.max(1, sent.sent)),
      [`${prefix}_relay_ns`]: used.totalNs / Math.max(1, inputs),
      [`${prefix}_share`]: used.totalNs / sent.elapsed_ns,
      [`${prefix}_receive_ns`]: sent.send_ns / Math.max(1, sent.sent) - session.floorNs,
    };
    const sampled = used.userNs + used.systemNs;
    if (sampled > 0) sample[`${prefix}_user_share`] = used.userNs / sampled;
    if (wokenBefore !== undefined && woken !== undefined) {
      sample[`${prefix}_wakeups`] =
        (woken.written - wokenBefore.written) / Math.max(1, woken.frames - wokenBefore.frames);
    }
    return sample;
  });
}

async function takeCpu(session: Session): Promise<Sample> {
  const seconds = 2 * session.options.seconds;
  const sample = await takeCost(session, "cpu", { size: 1400, rate: 200_000, burst: cpuBurst, seconds });
  const flatOut = await takeCost(session, "full", { size: 1400, rate: unlimited, burst: unlimitedBurst, seconds });
  const used = memory(session.contestant.pids());
  return { ...sample, ...flatOut, memory_rss: used.rssBytes, memory_pss: used.pssBytes };
}

async function takeFanout3(session: Session): Promise<Sample> {
  const even = await takeCost(session, "three", {
    size: 1400,
    rate: 50_000,
    burst: 1,
    seconds: 2 * session.options.seconds,
  });
  return withCounter(session, async (counter) => {
    const { rate, isLimited } = await searchRate(session, counter, 1400);
    const { seconds } = session.options;
    const { sent, delivered } = await counted(session, counter, {
      size: 1400,
      rate: 0,
      burst: saturationBurst,
      seconds,
    });
    const sample: Sample = { ...even, fanout3_rate: rate * 3, fanout3_out: (delivered * 1e9) / sent.elapsed_ns };
    if (isLimited) sample["fanout3_rate_limited"] = 1;
    return sample;
  });
}

async function takeFanout50(session: Session): Promise<Sample> {
  const { seconds } = session.options;
  const sample: Sample = {};
  for (const rate of [10_000, 20_000]) {
    const run = (counter: Counter) => counted(session, counter, { size: 1400, rate, burst: 1, seconds: 2 * seconds });
    const { sent, delivered } = await withCounter(session, run);
    sample[`fanout50_${rate}_out`] = (delivered * 1e9) / sent.elapsed_ns;
    sample[`fanout50_${rate}_loss`] = Math.max(0, 1 - delivered / Math.max(1, sent.sent * session.shape.outputs));
  }
  return sample;
}

/** 50 flows of 5 Mbit/s of MPEG-TS: 1,316 bytes a datagram. */
async function takeFlows(session: Session): Promise<Sample> {
  const receiver = await openReceiver(session.lab, session.arrivals, session.shape.flows);
  try {
    const rate = (session.shape.flows * 5e6) / (1316 * 8);
    const stream = { size: 1316, rate, burst: 1, seconds: 2 * session.options.seconds };
    const { sent, used, seen: result } = await undisturbed(session, stream, () => received(receiver));
    return {
      flows_loss: 1 - result.received / Math.max(1, sent.sent),
      flows_late: result.late,
      flows_p99: result.p99_ns / 1000,
      flows_share: used.totalNs / sent.elapsed_ns,
    };
  } finally {
    await receiver.close();
  }
}

/** Ten million datagrams, or fewer in a quick run: enough for every race of the wakeup to come up thousands of times. */
const stress = { rate: 240_000, burst: 64, size: 256, seed: 20_011, datagrams: { full: 10_000_000, quick: 1_000_000 } };

/** Random bursts with pauses between: what a lost wakeup had stranded would wait for the end of the next pause. */
async function takeStress(session: Session): Promise<Sample> {
  // At such rates its buffers are full within the time that a spinning generator would keep it waiting.
  const receiver = await openReceiver(session.lab, session.arrivals, session.shape.flows, session.options.nice);
  const sample: Sample = { stress_sent: 0, stress_lost: 0, stress_late: 0, stress_over_1ms: 0, stress_over_20ms: 0 };
  const add = (name: string, by: number) => {
    sample[name] = (sample[name] ?? 0) + by;
  };
  const wanted = stress.datagrams[session.options.isQuick ? "quick" : "full"];
  try {
    for (let seed = stress.seed; (sample["stress_sent"] ?? 0) < wanted; seed++) {
      const sent = await send(session.lab, session.shape.flows, { ...stress, seconds: 5, seed }, session.options.nice);
      const result = await received(receiver);
      add("stress_sent", sent.sent);
      add("stress_lost", sent.sent - result.received);
      add("stress_late", result.late);
      add("stress_over_1ms", result.over_1ms);
      add("stress_over_20ms", result.over_20ms);
      sample["stress_max"] = Math.max(sample["stress_max"] ?? 0, result.max_ns / 1000);
    }
  } finally {
    await receiver.close();
  }
  return sample;
}

async function takeNamedRate(session: Session, metric: string): Promise<Sample> {
  return withCounter(session, async (counter) => {
    const { rate, isLimited } = await searchRate(session, counter, 1400);
    return { [metric]: rate, ...(isLimited ? { [`${metric}_limited`]: 1 } : {}) };
  });
}

/** Receive packet steering: which CPUs (a mask) take what arrives at the relay's input. */
function steer({ lab }: Session, mask: string): void {
  lab.exec("relay", ["sh", "-c", 'echo "$1" > "$2"', "sh", mask, `/sys/class/net/${input.link}/queues/rx-0/rps_cpus`]);
}

/** What is done in the kernel is done on the generator's CPU; here it is handed to the relay's, at the price of the handing. */
async function takeSteered(session: Session): Promise<Sample> {
  steer(session, (1 << relayCpu).toString(16));
  try {
    return await takeNamedRate(session, "rate_steered");
  } finally {
    steer(session, "0");
  }
}

function rulesMeasure(rules: number): Measure {
  const shape = { ...one, rules };
  return { name: "rules", shape, only: "own", take: (session) => takeNamedRate(session, `rules_${rules}`) };
}

/** All measures; those of one shape stand together, so that a contender is started once for them. */
export const measures: readonly Measure[] = [
  { name: "rate", shape: one, take: takeRates },
  { name: "latency", shape: one, take: takeLatency },
  { name: "cpu", shape: one, take: takeCpu },
  { name: "steered", shape: one, only: "kernel", take: takeSteered },
  { name: "fanout3", shape: { ...one, outputs: 3 }, take: takeFanout3 },
  { name: "fanout50", shape: { ...one, outputs: 50 }, take: takeFanout50 },
  { name: "flows", shape: { flows: 50, outputs: 1, rules: 50 }, take: takeFlows },
  ...[1, 100, 10_000].map(rulesMeasure),
  { name: "stress", shape: one, only: "own", take: takeStress },
];

/** Two workers, for the one contender that has them. */
export const workersMeasure: Measure = {
  name: "workers",
  shape: one,
  only: "own",
  take: (session) => takeNamedRate(session, "workers_2"),
};
