// The counter pages, one a worker, as the supervisor reads them. They are its own: a worker that dies leaves its totals here,
// and its successor counts on.
import {
  egress,
  errnoCount,
  errnoFirst,
  ingress,
  outputField,
  outputFirst,
  outputSize,
  pageSize,
  refusals,
  refusedFirst,
  ruleField,
  ruleFirst,
  ruleSize,
} from "../relay/counters.ts";
import { errnoName } from "../shim/errno.ts";
import { mapFd, memfd } from "../shim/memory.ts";

/** Totals of one output or rule; datagrams and bytes of payload, times in CLOCK_MONOTONIC nanoseconds. */
export type OutputTotals = Record<keyof typeof outputField, number>;
export type RuleTotals = Record<keyof typeof ruleField, number>;

const notSummed = new Set(["lastErrno", "lastSentNs", "lastSeenNs"]);

/** One worker's counters, mapped for as long as the supervisor lives. */
export class Page {
  /** The memfd that a worker is given. */
  readonly fd: number;
  private readonly values: Float64Array;

  private constructor(fd: number, values: Float64Array) {
    this.fd = fd;
    this.values = values;
  }

  /** Throws when the machine has no memory for it: nothing can run then. */
  static open(name: string): Page {
    const fd = memfd(name, pageSize);
    const mapped = fd < 0 ? undefined : mapFd(fd, pageSize);
    if (mapped === undefined) {
      throw new Error(`the counter page could not be made: ${fd < 0 ? errnoName(fd) : "no memory"}`);
    }
    return new Page(fd, mapped.f64);
  }

  value(at: number): number {
    return this.values[at] ?? 0;
  }

  /** Makes `count` counters ready for a new owner. Nobody may be writing there. */
  clear(first: number, count: number): void {
    this.values.fill(0, first, first + count);
  }

  ingress(name: keyof typeof ingress): number {
    return this.value(ingress[name]);
  }

  egress(name: keyof typeof egress): number {
    return this.value(egress[name]);
  }

  /** Refusals that happened, by name. */
  refusals(): Record<string, number> {
    const named = refusals.map((name, index) => [name, this.value(refusedFirst + index)] as const);
    return Object.fromEntries(named.filter(([, count]) => count > 0));
  }

  /** Sends that the kernel refused, by errno name. */
  failures(): Record<string, number> {
    const found: Record<string, number> = {};
    for (let code = 1; code < errnoCount; code++) {
      const count = this.value(errnoFirst + code);
      if (count > 0) {
        found[errnoName(code)] = count;
      }
    }
    return found;
  }
}

function sum<Field extends string>(
  pages: readonly Page[],
  fields: Record<Field, number>,
  first: number,
): Record<Field, number> {
  const totals = {} as Record<Field, number>;
  for (const field in fields) {
    const values = pages.map((page) => page.value(first + fields[field]));
    totals[field] = notSummed.has(field) ? Math.max(0, ...values) : values.reduce((all, each) => all + each, 0);
  }
  return totals;
}

/** What all workers counted for the rule at place `index`. */
export function ruleTotals(pages: readonly Page[], index: number): RuleTotals {
  return sum(pages, ruleField, ruleFirst + index * ruleSize);
}

/** Makes a rule's place in all pages ready for a new rule. */
export function clearRule(pages: readonly Page[], index: number): void {
  for (const page of pages) {
    page.clear(ruleFirst + index * ruleSize, ruleSize);
  }
}

/** Makes an output's place in all pages ready for a new output. */
export function clearOutput(pages: readonly Page[], index: number): void {
  for (const page of pages) {
    page.clear(outputFirst + index * outputSize, outputSize);
  }
}

/** What all workers counted for the output at place `index`. */
export function outputTotals(pages: readonly Page[], index: number): OutputTotals {
  return sum(pages, outputField, outputFirst + index * outputSize);
}
