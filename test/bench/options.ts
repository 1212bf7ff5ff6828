// What the bench can be told. Pure: arguments in, checked options out.
import { parseArgs } from "node:util";

/** Groups of measurements, in the order in which they run. */
export const measureNames = [
  "rate",
  "latency",
  "cpu",
  "steered",
  "fanout3",
  "fanout50",
  "flows",
  "rules",
  "workers",
  "stress",
] as const;
/** What `--quick` takes when `--only` says nothing. */
const quickNames: readonly MeasureName[] = ["rate", "latency", "cpu", "fanout3", "fanout50"];

export type MeasureName = (typeof measureNames)[number];

/** `nice` is for everything measured, as nice(1) counts; `seconds` is the length of one trial. */
export type BenchOptions = {
  measures: readonly MeasureName[];
  contenders: readonly string[];
  sizes: readonly number[];
  rounds: number;
  /** No round is begun that would end later. */
  minutes: number;
  seconds: number;
  nice: number;
  /** How often a trial that other programs disturbed is run again at most. */
  repeats: number;
  isQuick: boolean;
  binary?: string;
  /** The generator sleeps between bursts: less even, and it leaves its CPU to others. */
  isGentle: boolean;
  /** Another build of the relay, which takes part beside it. */
  against?: string;
  jsonPath?: string;
  svgPath?: string;
};

/** The help text. */
export const usage = `usage: npm run bench -- [options]

  --quick              one round, short trials, sizes 64 and 1400, no flows, rules, workers, stress; under four minutes
  --only LIST          of ${measureNames.join(", ")}
  --contenders LIST    only those whose name contains one of these words, e.g. split,plain
  --sizes LIST         payload bytes for the rate (default: 64,512,1400)
  --rounds N           at most (default: 3, quick: 1); the tables show medians
  --minutes M          no round is begun that would end later (default: 24)
  --seconds S          length of one trial (default: 0.8, quick: 0.4)
  --nice N             priority of what is measured, -20 to 19, against the machine's other work (default: -10)
  --repeats N          a trial that other programs disturbed is run again so often at most (default: 2, quick: 1)
  --gentle             the generator sleeps where it would spin, for a machine that has other work
  --binary PATH        the relay (default: dist/mcr-appliance)
  --against PATH       another build of the relay takes part as well, as own-unified-other and own-split-other
  --json FILE          every sample
  --svg FILE           the chart`;

function isMeasure(word: string): word is MeasureName {
  return measureNames.some((name) => name === word);
}

function numberWithin(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= least && value <= most)) {
    throw new Error(`--${option} must be a number from ${least} to ${most}, not '${text}'`);
  }
  return value;
}

function measuresOf(text: string | undefined, isQuick: boolean): readonly MeasureName[] {
  if (text === undefined) return isQuick ? quickNames : measureNames;
  const words = text.split(",");
  const wrong = words.find((word) => !isMeasure(word));
  if (wrong !== undefined) throw new Error(`--only knows ${measureNames.join(", ")}, not '${wrong}'`);
  return measureNames.filter((name) => words.includes(name));
}

/** Checks everything; throws an error whose message is for the one who typed. */
export function parseBenchOptions(args: readonly string[]): BenchOptions | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: flag,
      gentle: flag,
      help: { ...flag, short: "h" },
      only: text,
      contenders: text,
      sizes: text,
      rounds: text,
      minutes: text,
      seconds: text,
      nice: text,
      repeats: text,
      binary: text,
      against: text,
      json: text,
      svg: text,
    },
  });
  if (values.help) return "help";
  const sizes = (values.sizes ?? (values.quick ? "64,1400" : "64,512,1400")).split(",");
  return {
    measures: measuresOf(values.only, values.quick),
    contenders: values.contenders?.split(",") ?? [],
    sizes: sizes.map((size) => numberWithin("sizes", size, 16, 1472)),
    rounds: numberWithin("rounds", values.rounds ?? (values.quick ? "1" : "3"), 1, 99),
    seconds: numberWithin("seconds", values.seconds ?? (values.quick ? "0.4" : "0.8"), 0.1, 60),
    minutes: numberWithin("minutes", values.minutes ?? "24", 1, 1440),
    nice: numberWithin("nice", values.nice ?? "-10", -20, 19),
    repeats: numberWithin("repeats", values.repeats ?? (values.quick ? "1" : "2"), 0, 99),
    isQuick: values.quick,
    isGentle: values.gentle,
    ...(values.binary === undefined ? {} : { binary: values.binary }),
    ...(values.against === undefined ? {} : { against: values.against }),
    ...(values.json === undefined ? {} : { jsonPath: values.json }),
    ...(values.svg === undefined ? {} : { svgPath: values.svg }),
  };
}
