// What happens when: by a seed alone, so that a run can be had again. Pure.
import { Random } from "../../src/traffic/random.ts";

/** Kinds of event, and how many of each are in one deck. */
export const deck = { kill: 1, stop: 1, link: 8, rule: 8, flood: 2, client: 3, stall: 1 } as const;

/** A kind of event: the name of a file in events/. */
export type Kind = keyof typeof deck;

/** An event: when, in milliseconds from the beginning; what; and a number from which it decides what it leaves open. */
export type Planned = { atMs: number; kind: Kind; dice: number };

const cards = Object.entries(deck).flatMap(([kind, count]) => Array.from({ length: count }, () => kind as Kind));

/**
 * All events of `durationMs`, in order. Kinds are dealt from shuffled decks, so that each deck brings every kind, and no seed
 * gives a run without one. A deck lasts `deckMs`; a run shorter than that has one deck all the same. Times within a deck are random.
 */
export function schedule(seed: number, durationMs: number, deckMs: number): Planned[] {
  const random = new Random(seed);
  const decks = Math.max(1, Math.floor(durationMs / deckMs));
  const eachMs = durationMs / decks;
  return Array.from({ length: decks }, (_, at) => {
    const times = cards.map(() => Math.floor(at * eachMs + (random.between(0, 999_999) / 1_000_000) * eachMs));
    const kinds = shuffled(cards, random);
    times.sort((a, b) => a - b);
    return kinds.map((kind, card) => ({ kind, atMs: times[card] ?? 0, dice: random.between(0, 999_999) }));
  }).flat();
}

/** Fisher and Yates. */
function shuffled<T>(from: readonly T[], random: Random): T[] {
  const all = [...from];
  for (let at = all.length - 1; at > 0; at--) {
    const other = random.between(0, at);
    const [a, b] = [all[at], all[other]];
    if (a !== undefined && b !== undefined) [all[at], all[other]] = [b, a];
  }
  return all;
}
