import { describe, expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import { Repeats } from "../../src/log/repeats.ts";

const { logRepeatsShown, logRepeatsWindowMs, logRepeatsMax } = limits;

function repeats() {
  const said: [string, number, number][] = [];
  const made = new Repeats<{ key: string }>(({ key }, count, overMs) => said.push([key, count, overMs]));
  const show = (key: string, nowMs: number) => made.shows({ key }, nowMs);
  return { made, said, show };
}

describe("a repeated line", () => {
  test("is shown a few times, then counted, and told when its window is over", () => {
    const { made, said, show } = repeats();
    const shown = Array.from({ length: 4812 }, (_, at) => show("a", at)).filter(Boolean);
    expect(shown).toHaveLength(logRepeatsShown);
    made.tick(logRepeatsWindowMs - 1);
    expect(said).toEqual([]);
    made.tick(logRepeatsWindowMs);
    expect(said).toEqual([["a", 4812, logRepeatsWindowMs]]);
    expect(show("a", logRepeatsWindowMs + 1)).toBe(true);
  });

  test("that came no oftener than it was shown is not told again", () => {
    const { made, said, show } = repeats();
    for (let at = 0; at < logRepeatsShown; at++) show("a", at);
    made.tick(logRepeatsWindowMs * 2);
    expect(said).toEqual([]);
  });

  test("is counted though others come between", () => {
    const { made, said, show } = repeats();
    for (let at = 0; at < 100; at++) show(at % 2 === 0 ? "a" : "b", at);
    made.end(100);
    expect(said).toEqual([
      ["a", 50, 100],
      ["b", 50, 99],
    ]);
  });

  test("is told early when too many different lines want to be remembered", () => {
    const { said, show } = repeats();
    for (let at = 0; at < 10; at++) show("a", 0);
    for (let at = 1; at < logRepeatsMax; at++) expect(show(`other ${at}`, 1)).toBe(true);
    expect(said).toEqual([]);
    expect(show("one more", 2)).toBe(true);
    expect(said).toEqual([["a", 10, 2]]);
  });
});
