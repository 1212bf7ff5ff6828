// What is measured every minute, and how much of it may grow.

import { descriptorCount, held, residentKiB } from "./held.ts";
import { accountsOf, chaosStatus } from "./status.ts";
import type { Bound } from "./trend.ts";
import type { World } from "./world.ts";

/** One row. `lost`, `stalls` and `deaths` are of this minute alone; the others stand as they are. */
export type Minute = {
  taken: number;
  /** No room in the ring, failed, or dropped, at any output. */
  lost: number;
  deaths: number;
  /** Workers that were found stuck. */
  stalls: number;
  supervisorKiB: number;
  /** All other processes together. */
  workersKiB: number;
  fds: number;
  processes: number;
  /** Datagrams that hold a slot of a ring at this moment: in the queue, or being sent. */
  slots: number;
};

/** Measures a minute: each call says what happened since the one before. */
export class Meter {
  readonly #world: World;
  #before = { taken: 0, lost: 0, deaths: 0, stalls: 0 };

  constructor(world: World) {
    this.#world = world;
  }

  async read(): Promise<Minute> {
    const { relay, reader, lab } = this.#world;
    const [{ frames, rules, workers }, accounts] = [await chaosStatus(relay), await accountsOf(relay)];
    const outputs = rules.flatMap((rule) => rule.outputs);
    const now = {
      taken: frames.received,
      lost: sumOf([frames.kernel_drops, ...outputs.map((each) => each.datagrams_failed + each.datagrams_dropped)]),
      deaths: sumOf(workers.map(({ restarts }) => restarts)),
      stalls: sumOf(workers.map(({ stalls }) => stalls)),
    };
    const before = this.#before;
    this.#before = now;
    const others = lab.pids("relay").filter((pid) => pid !== relay.pid && pid !== reader.pid);
    const holdings = held(this.#world);
    return {
      taken: now.taken - before.taken,
      // An output that was removed takes its counters with it.
      lost: Math.max(0, now.lost - before.lost),
      deaths: now.deaths - before.deaths,
      stalls: now.stalls - before.stalls,
      supervisorKiB: residentKiB(relay.pid),
      workersKiB: sumOf(others.map(residentKiB)),
      fds: descriptorCount(holdings),
      processes: holdings.children.length + 1,
      slots: sumOf(accounts.map(({ parts }) => (parts["waiting"] ?? 0) + (parts["in_flight"] ?? 0))),
    };
  }
}

/**
 * What may not grow, and by how much a minute it may: memory by what a collector's saw-tooth leaves over ten minutes and more
 * (1 MiB a minute would be 1.4 GiB a day), descriptors and processes by what a look in the middle of a change sees, slots by a
 * thousandth of a ring, loss and stalls by a thousandth of 80,000 a second's minute and one in a hundred minutes.
 */
export function boundsOf(minutes: readonly Minute[]): Bound[] {
  const bound = (column: keyof Minute, perMinuteMax: number) => ({
    ...{ column, perMinuteMax },
    values: minutes.map((minute) => minute[column]),
  });
  return [
    bound("lost", 4_800),
    bound("stalls", 0.01),
    bound("supervisorKiB", 1_024),
    bound("workersKiB", 1_024),
    bound("fds", 0.5),
    bound("processes", 0.1),
    bound("slots", 8),
  ];
}

const columns = [
  "taken",
  "lost",
  "deaths",
  "stalls",
  "supervisorKiB",
  "workersKiB",
  "fds",
  "processes",
  "slots",
] as const;

/** The head of the table. */
export const head = `minute ${columns.map((column) => column.padStart(13)).join(" ")}\n`;

/** One line of the table; minutes count from 1. */
export function lineOf(minute: Minute, number: number): string {
  return `${String(number).padStart(6)} ${columns.map((column) => String(minute[column]).padStart(13)).join(" ")}\n`;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0);
}
