import { describe, expect, test } from "bun:test";
import { deck, schedule } from "./schedule.ts";

const [tenMinutesMs, deckMs] = [600_000, 12_000];

describe("a schedule", () => {
  test("is the same for the same seed, and another one for another", () => {
    expect(schedule(7, tenMinutesMs, deckMs)).toEqual(schedule(7, tenMinutesMs, deckMs));
    expect(schedule(7, tenMinutesMs, deckMs)).not.toEqual(schedule(8, tenMinutesMs, deckMs));
  });

  test("is the one that this seed has always meant: a seed in an old report can still be tried", () => {
    expect(
      schedule(1, 1, deckMs)
        .map(({ kind }) => kind)
        .join(" "),
    ).toBe(
      "stall client link rule link kill link rule rule stop link link rule client client rule link flood rule rule link link flood rule",
    );
  });

  test.each([0, 1, 2, 3, 4_000_000_000])(
    "of seed %d is in order, within its time, with every kind in every deck",
    (seed) => {
      const events = schedule(seed, tenMinutesMs, deckMs);
      const times = events.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times.every((atMs) => atMs >= 0 && atMs < tenMinutesMs)).toBe(true);
      const size = Object.values(deck).reduce((sum, each) => sum + each, 0);
      expect(events).toHaveLength((tenMinutesMs / deckMs) * size);
      for (let first = 0; first < events.length; first += size) {
        const dealt = Map.groupBy(events.slice(first, first + size), ({ kind }) => kind);
        expect(Object.fromEntries([...dealt].map(([kind, all]) => [kind, all.length]))).toEqual(deck);
      }
    },
  );

  test("of a run shorter than a deck has the whole deck all the same", () => {
    const events = schedule(5, 3_000, deckMs);
    expect(new Set(events.map(({ kind }) => kind)).size).toBe(Object.keys(deck).length);
    expect(events.every(({ atMs }) => atMs < 3_000)).toBe(true);
  });
});
