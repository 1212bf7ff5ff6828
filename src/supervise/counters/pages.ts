// The counter pages, one a worker, as the supervisor reads them. They are its own: a worker that dies leaves its totals here,
// and its successor counts on.
import { bucketCount } from "../../base/buckets.ts";
import {
  batchCount,
  batchFirst,
  egress,
  errnoCount,
  errnoFirst,
  ingress,
  latencyFirst,
  outputErrnoCount,
  outputErrnoFirst,
  outputField,
  outputFirst,
  outputSize,
  pageSize,
  refusals,
  refusedFirst,
  ruleField,
  ruleFirst,
  ruleSize,
} from "../../relay/counters.ts";
import { errnoName } from "../../shim/errno.ts";
import { mapFd, memfd } from "../../shim/memory.ts";

/** Totals of one output or rule; datagrams and bytes of payload, times in CLOCK_MONOTONIC nanoseconds. */
export type OutputTotals = Record<keyof typeof outputField, number>;
export type RuleTotals = Record<keyof typeof ruleField, number>;

const notSummed = new Set([
  "lastErrno",
  "lastErrnoNs",
  "lastSentNs",
  "lastSeenNs",
  "otherPort",
  "otherSource",
  "otherNs",
  "refusedReason",
  "refusedNs",
  "taggedVlan",
  "taggedNs",
]);

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
    return Page.of(memfd(name, pageSize));
  }

  /** The page that a descriptor stands for: a new one, or that of the supervisor before us. Throws as open(). */
  static of(fd: number): Page {
    const mapped = fd < 0 ? undefined : mapFd(fd, pageSize);
    if (mapped === undefined) {
      throw new Error(`the counter page could not be made: ${fd < 0 ? errnoName(fd) : "no memory"}`);
    }
    return new Page(fd, mapped.f64);
  }

  value(at: number): number {
    return this.values[at] ?? 0;
  }

  /** Writes a counter. Nobody else may be writing there. */
  put(at: number, value: number): void {
    this.values[at] = value;
  }

  /** A copy of `count` counters from `first` on. */
  copy(first: number, count: number): Float64Array {
    return this.values.slice(first, first + count);
  }

  /** How many sends carried up to 1, 2, 4, … 64 datagrams, and more. */
  batches(): number[] {
    return [...this.copy(batchFirst, batchCount)];
  }

  /** Sends whose latency was looked at, by bucket (base/buckets.ts) of microseconds. */
  latencies(): Float64Array {
    return this.copy(latencyFirst, bucketCount);
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
    const at = first + fields[field];
    totals[field] = notSummed.has(field) ? latestAt(pages, at) : sumAt(pages, at);
  }
  return totals;
}

function latestAt(pages: readonly Page[], at: number): number {
  let latest = 0;
  for (const page of pages) {
    latest = Math.max(latest, page.value(at));
  }
  return latest;
}

/** One counter, over all workers. */
export function sumAt(pages: readonly Page[], at: number): number {
  let total = 0;
  for (const page of pages) {
    total += page.value(at);
  }
  return total;
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

/** Whether the kernel ever refused a send of the output at place `index`: quick, for those who look at every output. */
export function wasRefused(pages: readonly Page[], index: number): boolean {
  return sumAt(pages, outputFirst + index * outputSize + outputField.lastErrno) !== 0;
}

/** How often the kernel refused a send of the output at place `index`, by errno name; `other`: by errnos beyond the first few. */
export function outputErrors(pages: readonly Page[], index: number): Record<string, number> {
  const found: Record<string, number> = {};
  const first = outputFirst + index * outputSize;
  const note = (name: string, count: number) => {
    if (count > 0) {
      found[name] = (found[name] ?? 0) + count;
    }
  };
  for (const page of pages) {
    for (let at = first + outputErrnoFirst; at < first + outputErrnoFirst + outputErrnoCount * 2; at += 2) {
      note(errnoName(page.value(at)), page.value(at + 1));
    }
    note("other", page.value(first + outputField.refusedOther));
  }
  return found;
}

/** As ruleTotals, of the one page whose moment `field` is the latest: what belongs to one moment stays together. */
export function latestOf(
  pages: readonly Page[],
  index: number,
  field: "otherNs" | "refusedNs" | "taggedNs",
): RuleTotals {
  const each = pages.map((page) => ruleTotals([page], index));
  return each.reduce((a, b) => (b[field] > a[field] ? b : a), ruleTotals([], index));
}
