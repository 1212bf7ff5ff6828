// The run: round by round, shape by shape, everybody in turn. Prints as it goes; hands back every sample.
import type { Lab } from "../helpers/namespaces.ts";
import { makeBed, outputs, type Shape } from "./bed.ts";
import { contendersWith } from "./contenders/all.ts";
import type { Contender } from "./contenders/contender.ts";
import { ownTwoWorkers } from "./contenders/own.ts";
import { cpuBurst, type Measure, measures, workersMeasure } from "./measures.ts";
import { brief, median } from "./metrics.ts";
import type { BenchOptions } from "./options.ts";
import { unlimited } from "./search.ts";
import type { Sample, Session } from "./session.ts";
import { Counter, send } from "./traffic.ts";
import { prioritise } from "./usage.ts";

/** A failing command quotes all of its input; the beginning tells enough. */
const skipSizeMax = 400;

/** One contender's numbers of one measure in one round. */
export type Taken = { round: number; contender: string; measure: string; sample: Sample };

/** `skipped`: lines that say who did not take part where, and why. `duration`: how many rounds it were, in what time. */
export type BenchResult = { taken: Taken[]; skipped: string[]; duration: string };

/** Measures of one shape, and who takes part. */
type Course = { shape: Shape; measures: Measure[]; contenders: readonly Contender[] };

function courses(options: BenchOptions, round: number): Course[] {
  const wanted = (name: string) =>
    options.contenders.length === 0 || options.contenders.some((word) => name.includes(word));
  const isNamed = options.contenders.length > 0;
  const runners = contendersWith(options.against).filter(
    ({ name, isTrial }) => wanted(name) && (isNamed || isTrial !== true),
  );
  const list: Course[] = [];
  const due = measures.filter(
    ({ name, isOnce }) => options.measures.includes(name) && (round === 0 || isOnce !== true),
  );
  for (const measure of due) {
    const last = list.at(-1);
    const takers = runners.filter((contender) => measure.only?.(contender) ?? true);
    const isSame =
      last !== undefined && measure.only === undefined && JSON.stringify(last.shape) === JSON.stringify(measure.shape);
    if (isSame) last.measures.push(measure);
    else list.push({ shape: measure.shape, measures: [measure], contenders: takers });
  }
  if (options.measures.includes("workers") && wanted(ownTwoWorkers.name)) {
    list.push({ shape: workersMeasure.shape, measures: [workersMeasure], contenders: [ownTwoWorkers] });
  }
  return list;
}

/** What a send costs when nobody relays: the frame is dropped at the relay's tc ingress. */
async function measureFloor(lab: Lab, options: BenchOptions): Promise<number> {
  const counter = await Counter.open(lab, "relay", ["in0"]);
  try {
    const stream = { size: 1400, rate: 200_000, burst: cpuBurst, seconds: options.seconds };
    const sent = await send(lab, 1, stream, options.nice);
    return sent.send_ns / Math.max(1, sent.sent);
  } finally {
    await counter.close();
  }
}

/** Ends only when the relay has nothing buffered any more. */
async function warmUp({ lab, shape, options }: Session, seconds: number): Promise<void> {
  const counter = await Counter.open(lab);
  try {
    const gentle = { size: 1400, rate: 100_000 / shape.outputs, burst: 4, seconds };
    await send(lab, shape.flows, gentle, options.nice);
    await send(lab, shape.flows, { ...gentle, rate: unlimited, burst: 16, seconds: seconds / 2 }, options.nice);
    await counter.settled();
  } finally {
    await counter.close();
  }
}

/** Starts one contender, warms it up, takes all measures of the course, stops it. */
async function runOne(
  session: Omit<Session, "contestant" | "foreign">,
  course: Course,
  contender: Contender,
  keep: (measure: string, sample: Sample) => void,
): Promise<void> {
  const { lab, shape, options } = session;
  const contestant = await contender.start(lab, shape);
  try {
    prioritise(contestant.pids(), options.nice);
    const whole: Session = { ...session, contestant, foreign: [] };
    await warmUp(whole, contender.warmUpSeconds);
    for (const measure of course.measures) {
      const sample = await measure.take(whole);
      const foreign = whole.foreign.splice(0);
      keep(measure.name, foreign.length === 0 ? sample : { ...sample, foreign: median(foreign) });
    }
  } finally {
    await contestant.stop();
  }
}

/** One round: every course, every contender in turn. */
async function runRound(lab: Lab, options: BenchOptions, round: number, result: BenchResult): Promise<void> {
  const skip = (text: string) => {
    const line = text.slice(0, skipSizeMax);
    if (result.skipped.includes(line)) return;
    console.log(`skipped: ${line}`);
    result.skipped.push(line);
  };
  const floorNs = await measureFloor(lab, options);
  const pairs = courses(options, round).flatMap((course) =>
    course.contenders.map((contender) => ({ course, contender })),
  );
  for (const { course, contender } of pairs) {
    const { name, title } = contender;
    const where = `${title}, ${course.measures.map((measure) => measure.name).join(", ")}`;
    const reason = contender.refuses(course.shape);
    if (reason !== undefined) {
      skip(`${where}: ${reason}`);
      continue;
    }
    const arrivals = contender.arrivals?.(course.shape) ?? outputs(course.shape);
    const keep = (measure: string, sample: Sample) => {
      result.taken.push({ round, contender: name, measure, sample });
      console.log(`${round + 1} ${measure.padEnd(9)} ${name.padEnd(12)} ${brief(sample)}`);
    };
    try {
      await runOne({ lab, shape: course.shape, arrivals, options, floorNs }, course, contender, keep);
    } catch (error) {
      // One contender that fails must not cost the others their figures; that something is missing is said.
      skip(`${where}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** Runs everything that the options ask for. */
export async function runBench(options: BenchOptions): Promise<BenchResult> {
  const lab = makeBed();
  const result: BenchResult = { taken: [], skipped: [], duration: "" };
  try {
    const start = performance.now();
    let longestMs = 0;
    for (let round = 0; round < options.rounds; round++) {
      const roundStart = performance.now();
      // A round that would end too late is left out: medians over fewer, but the run ends when it was promised to.
      if (roundStart + longestMs > start + options.minutes * 60_000) break;
      await runRound(lab, options, round, result);
      longestMs = Math.max(longestMs, performance.now() - roundStart);
    }
    const minutes = ((performance.now() - start) / 60_000).toFixed(1);
    const rounds = 1 + Math.max(...result.taken.map(({ round }) => round));
    result.duration = `${rounds} round(s) in ${minutes} minutes`;
  } finally {
    await lab.close();
  }
  return result;
}
