// What is measured, and how: each measure takes a contender that runs already and returns numbers by name.
import { input, relayCpu, type Shape } from "./bed.ts";
import type { Contender } from "./contenders/contender.ts";
import type { MeasureName } from "./options.ts";
import { sampleUserShare } from "./perf.ts";
import { highestRate, unlimited } from "./search.ts";
import { asTrial, counted, type Sample, type Session, undisturbed, wakeups } from "./session.ts";
import { takeStress } from "./stress.ts";
import { Counter, openReceiver, received, type Stream, startSending } from "./traffic.ts";
import { memory } from "./usage.ts";

/** `only`: a question to some contenders alone. `isOnce`: the first round's answer is enough. */
export type Measure = {
  name: MeasureName;
  shape: Shape;
  only?: (contender: Contender) => boolean;
  isOnce?: true;
  take(session: Session): Promise<Sample>;
};

/** Sixteen frames back to back are what a NIC with moderated interrupts hands over at such rates. */
const saturationBurst = 16;
/** As fast as it goes: larger bursts cost the generator less. */
const unlimitedBurst = 32;
/** The generator cannot make 200,000 separate sends a second beside the receive path; fours leave it room. */
export const cpuBurst = 4;
const one: Shape = { flows: 1, outputs: 1, rules: 1 };
const search = { lossMax: 0.001, tolerance: 0.03, trialsMax: 30 };

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
    if (wokenBefore !== undefined && woken !== undefined) {
      sample[`${prefix}_wakeups`] =
        (woken.written - wokenBefore.written) / Math.max(1, woken.frames - wokenBefore.frames);
    }
    return sample;
  });
}

function cpuStream({ options }: Session): Stream {
  return { size: 1400, rate: 200_000, burst: cpuBurst, seconds: 2 * options.seconds };
}

async function takeCpu(session: Session): Promise<Sample> {
  const sample = await takeCost(session, "cpu", cpuStream(session));
  const seconds = 2 * session.options.seconds;
  const full = { size: 1400, rate: unlimited, burst: unlimitedBurst, seconds };
  const flatOut = await takeCost(session, "full", full);
  const used = memory(session.contestant.pids());
  return {
    ...sample,
    ...flatOut,
    ...(await takeUserShare(session, full)),
    memory_rss: used.rssBytes,
    memory_pss: used.pssBytes,
  };
}

/** Longer than perf may take to begin and end: traffic must not end before it. */
const sampledSecondsMax = 20;

/** A stretch of its own, because perf costs what it looks at. */
async function takeUserShare({ lab, contestant, shape, options }: Session, stream: Stream): Promise<Sample> {
  const pids = contestant.pids();
  const sending = startSending(lab, shape.flows, { ...stream, seconds: sampledSecondsMax }, options.nice);
  try {
    const share = await sampleUserShare(lab, pids, stream.seconds);
    return share === undefined ? {} : { full_user_share: share };
  } finally {
    await sending.end();
  }
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

const isUnified = ({ name }: Contender) => name.startsWith("own-unified");
/** Where both halves share a thread nobody has to be woken. */
const isSplit = ({ name }: Contender) => name.startsWith("own-split");
const isKernel = ({ kind }: Contender) => kind === "kernel";

function rulesMeasure(rules: number): Measure {
  const shape = { ...one, rules };
  const take = async (session: Session) => {
    const cost = await takeCost(session, `rules_${rules}`, cpuStream(session));
    const metrics = [`rules_${rules}_relay_ns`, `rules_${rules}_receive_ns`];
    const kept = Object.fromEntries(metrics.map((metric) => [metric, cost[metric] ?? Number.NaN]));
    return { ...(await takeNamedRate(session, `rules_${rules}`)), ...kept };
  };
  // What rules cost does not depend on how the loops run.
  return { name: "rules", shape, only: isUnified, take };
}

/** All measures; those of one shape stand together, so that a contender is started once for them. */
export const measures: readonly Measure[] = [
  { name: "rate", shape: one, take: takeRates },
  { name: "latency", shape: one, take: takeLatency },
  { name: "cpu", shape: one, take: takeCpu },
  { name: "steered", shape: one, only: isKernel, take: takeSteered },
  { name: "fanout3", shape: { ...one, outputs: 3 }, take: takeFanout3 },
  { name: "fanout50", shape: { ...one, outputs: 50 }, take: takeFanout50 },
  { name: "flows", shape: { flows: 50, outputs: 1, rules: 50 }, take: takeFlows },
  ...[1, 100, 10_000].map(rulesMeasure),
  { name: "stress", shape: one, only: isSplit, isOnce: true, take: takeStress },
];

/** Two workers, for the one contender that has them. */
export const workersMeasure: Measure = {
  name: "workers",
  shape: one,
  take: (session) => takeNamedRate(session, "workers_2"),
};
