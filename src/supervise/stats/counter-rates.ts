// How fast counters of the pages grow: those of every rule and output, and the CPU time of workers. Over all rules once a second, so
// along places alone (roster.ts); rules that are silent are ten thousand additions and nothing else.
import { limits } from "../../limits.ts";
import {
  outputField,
  outputFirst,
  outputMax,
  outputSize,
  ruleField,
  ruleFirst,
  ruleMax,
  ruleSize,
} from "../../relay/counters.ts";
import { type Page, sumAt } from "../counters/pages.ts";
import { Rates } from "../counters/rates.ts";
import type { Roster } from "../rules/roster.ts";
import type { Place } from "../workers/place.ts";
import { cpuSeconds } from "./cpu-use.ts";

/** What is looked at. */
export type CounterRatesParts = {
  roster: () => Roster;
  workers: { readonly places: readonly Place[]; readonly pages: readonly Page[] };
};

/** Per second, over the last period. */
export type CounterRate = { datagrams: number; bytes: number };

// Where rates keep what: datagrams of rules, their bytes, those of outputs, CPU time of workers.
const places = {
  rule: 0,
  ruleBytes: ruleMax,
  output: 2 * ruleMax,
  outputBytes: 2 * ruleMax + outputMax,
  cpu: 2 * (ruleMax + outputMax),
  end: 2 * (ruleMax + outputMax) + limits.workersMax,
} as const;

/** Rates by place in the counter pages. */
export class CounterRates {
  private readonly parts: CounterRatesParts;
  private readonly rates = new Rates(places.end);

  constructor(parts: CounterRatesParts) {
    this.parts = parts;
  }

  /** To be called once a period: rates are differences between two calls. */
  sample(nowMs: number): void {
    const { rates } = this;
    const { roster, workers } = this.parts;
    const { pages } = workers;
    const { rulePlaces, outputPlaces } = roster();
    rates.begin(nowMs);
    for (const { index, child } of workers.places) {
      rates.note(places.cpu + index, child === undefined ? 0 : cpuSeconds(child.pid));
    }
    for (const place of rulePlaces) {
      const rule = ruleFirst + place * ruleSize;
      rates.note(places.rule + place, sumAt(pages, rule + ruleField.datagrams));
      rates.note(places.ruleBytes + place, sumAt(pages, rule + ruleField.bytes));
    }
    for (const place of outputPlaces) {
      const output = outputFirst + place * outputSize;
      rates.note(places.output + place, sumAt(pages, output + outputField.sent));
      rates.note(places.outputBytes + place, sumAt(pages, output + outputField.sentBytes));
    }
  }

  /** What came in for the rule at `place`. */
  ofRule(place: number): CounterRate {
    return { datagrams: this.rates.of(places.rule + place), bytes: this.rates.of(places.ruleBytes + place) };
  }

  /** What went out by the output at `place`. */
  ofOutput(place: number): CounterRate {
    return { datagrams: this.rates.of(places.output + place), bytes: this.rates.of(places.outputBytes + place) };
  }

  /** The share of a CPU that the worker at place `index` took. */
  ofWorker(index: number): number {
    return this.rates.of(places.cpu + index);
  }
}
