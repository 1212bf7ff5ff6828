// What has arrived, judged: one flow is what one socket hears, one stream is one flow of one run of a generator.
// Pure: it is told what a datagram said and when it came. No allocation per datagram, only per stream.
import { limits } from "../limits.ts";
import { Histogram } from "./histogram.ts";
import { type Kind, kinds, type Stamp } from "./payload.ts";
import { unwrap, Window } from "./window.ts";

class Stream {
  readonly window = new Window(limits.trafficWindowSize);
  /** Empty datagrams that the generator said it had sent. */
  emptiesSaid = 0;
  empties = 0;

  get lost(): number {
    return this.window.lost + Math.max(0, this.emptiesSaid - this.empties);
  }
}

/** Everything known about what one socket heard, or all of them. */
export type Totals = {
  /** Intact datagrams of a generator, repeated ones too. */
  received: number;
  bytes: number;
  /** Different datagrams: what `--expect` is held against. */
  distinct: number;
  lost: number;
  duplicated: number;
  reordered: number;
  reorderedByMax: number;
  corrupt: number;
  foreign: number;
  empty: number;
  /** Too far behind to be judged. */
  unjudged: number;
  streams: number;
  /** Of the stream heard last; undefined before the first numbered datagram. */
  first: number | undefined;
  last: number | undefined;
};

/** Judges what one socket hears. */
export class Verifier {
  received = 0;
  bytes = 0;
  corrupt = 0;
  foreign = 0;
  readonly latency = new Histogram();
  private readonly streams = new Map<number, Stream>();
  private current: Stream | undefined;
  private currentRun = 0;
  private currentFlow = 0;
  /** The current stream was made by a datagram too short to say whose it is. */
  private isNameless = false;

  /** Takes one datagram of `size` bytes: what the reader made of it and when the kernel got it (CLOCK_REALTIME). */
  take(kind: Kind, stamp: Stamp, size: number, arrivalSeconds: number, arrivalNanoseconds: number): void {
    switch (kind) {
      case kinds.foreign:
        this.foreign++;
        return;
      case kinds.corrupt:
        this.corrupt++;
        return;
      case kinds.full:
        this.takeFull(stamp);
        this.latency.add((arrivalSeconds - stamp.seconds) * 1e9 + arrivalNanoseconds - stamp.nanoseconds);
        break;
      case kinds.short:
        this.takeShort(stamp.sequence, size);
        break;
      case kinds.empty:
        this.stream().empties++;
        break;
    }
    this.received++;
    this.bytes += size;
  }

  private takeFull(stamp: Stamp): void {
    if (this.current === undefined || stamp.run !== this.currentRun || stamp.flow !== this.currentFlow) {
      this.enter(stamp);
    }
    const stream = this.stream();
    stream.window.see(stamp.sequence);
    if (stamp.empties > stream.emptiesSaid) {
      stream.emptiesSaid = stamp.empties;
    }
  }

  /** A short datagram does not say whose it is: it belongs to the stream heard last. */
  private takeShort(low: number, size: number): void {
    const { window } = this.stream();
    const bytes = Math.min(size, 4);
    window.see(window.highest < 0 ? low : unwrap(low, bytes, window.highest + 1));
  }

  private stream(): Stream {
    if (this.current === undefined) {
      this.current = new Stream();
      this.isNameless = true;
    }
    return this.current;
  }

  private enter(stamp: Stamp): void {
    const key = stamp.run * 65_536 + stamp.flow;
    // The stream began with short datagrams: now it has a name.
    const named = this.isNameless ? this.current : this.streams.get(key);
    this.current = named ?? new Stream();
    this.isNameless = false;
    this.currentRun = stamp.run;
    this.currentFlow = stamp.flow;
    this.remember(key, this.current);
  }

  private remember(key: number, stream: Stream): void {
    const isNew = !this.streams.has(key);
    if (isNew && this.streams.size >= limits.trafficStreamsMax) {
      // The oldest is settled: what it lost is kept, its window is not.
      const [oldest] = this.streams.keys();
      if (oldest !== undefined) {
        this.settle(this.streams.get(oldest));
        this.streams.delete(oldest);
      }
    }
    this.streams.set(key, stream);
  }

  private readonly settled = { ...nothing };

  private settle(stream: Stream | undefined): void {
    if (stream !== undefined) {
      addStream(this.settled, stream);
    }
  }

  /** The counts so far. */
  totals(): Totals {
    const totals: Totals = { ...this.settled };
    const all = new Set(this.streams.values());
    if (this.current !== undefined) {
      all.add(this.current);
    }
    for (const stream of all) {
      addStream(totals, stream);
    }
    const window = this.current?.window;
    const isNumbered = window !== undefined && window.highest >= 0;
    return {
      ...totals,
      received: this.received,
      bytes: this.bytes,
      corrupt: this.corrupt,
      foreign: this.foreign,
      first: isNumbered ? window.first : undefined,
      last: isNumbered ? window.highest : undefined,
    };
  }
}

const nothing: Totals = {
  received: 0,
  bytes: 0,
  distinct: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  reorderedByMax: 0,
  corrupt: 0,
  foreign: 0,
  empty: 0,
  unjudged: 0,
  streams: 0,
  first: undefined,
  last: undefined,
};

function addStream(totals: Totals, stream: Stream): void {
  const { window } = stream;
  totals.distinct += window.distinct + stream.empties;
  totals.lost += stream.lost;
  totals.duplicated += window.duplicated;
  totals.reordered += window.reordered;
  totals.reorderedByMax = Math.max(totals.reorderedByMax, window.reorderedByMax);
  totals.unjudged += window.unjudged;
  totals.empty += stream.empties;
  totals.streams++;
}

/** The counts of several sockets as one; first and last are those of the only socket that has them. */
export function sum(parts: readonly Totals[]): Totals {
  const total: Totals = { ...nothing };
  for (const part of parts) {
    total.received += part.received;
    total.bytes += part.bytes;
    total.distinct += part.distinct;
    total.lost += part.lost;
    total.duplicated += part.duplicated;
    total.reordered += part.reordered;
    total.reorderedByMax = Math.max(total.reorderedByMax, part.reorderedByMax);
    total.corrupt += part.corrupt;
    total.foreign += part.foreign;
    total.empty += part.empty;
    total.unjudged += part.unjudged;
    total.streams += part.streams;
  }
  const numbered = parts.filter((part) => part.first !== undefined);
  const [only] = numbered.length === 1 ? numbered : [];
  return { ...total, first: only?.first, last: only?.last };
}

/** What was expected and has not come, or came beyond it; without an expectation, what the numbers show. */
export function missing(totals: Totals, expected: number | undefined): number {
  return expected === undefined ? totals.lost : Math.max(0, expected - totals.distinct);
}

/** Whether everything came, once and intact. Order is not part of it: `reordered` says what there is to say. */
export function isComplete(totals: Totals, expected: number | undefined): boolean {
  const isWhole = expected === undefined ? totals.lost === 0 && totals.received > 0 : totals.distinct === expected;
  return isWhole && totals.duplicated === 0 && totals.corrupt === 0 && totals.unjudged === 0;
}
