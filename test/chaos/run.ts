// Chaos at full rates, as root. Usage: npm run chaos -- [--seed N] [--minutes M] [--rate R]; R: datagrams a second of each flow.
// The seed decides which events happen, in which order and when; it is printed. Exit code 1: something is wrong, in words.
import { chaos } from "./chaos.ts";
import { numbersGiven } from "./options.ts";

const newSeed = (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) + 1;
const { seed, minutes, rate } = numbersGiven({ seed: newSeed, minutes: 10, rate: 20_000 });
const say = (text: string) => process.stdout.write(text);
say(`seed ${seed}, ${minutes} minutes, four flows at ${rate}/s\n`);
// With some 24 events a deck, one every half second, and a worker's death every 12 s.
const wrong = await chaos({ seed, durationMs: minutes * 60_000, deckMs: 12_000, rate, say });
for (const each of wrong) say(`wrong: ${each}\n`);
say(
  wrong.length === 0
    ? "nothing is wrong\n"
    : `again: npm run chaos -- --seed ${seed} --minutes ${minutes} --rate ${rate}\n`,
);
process.exit(wrong.length === 0 ? 0 : 1);
