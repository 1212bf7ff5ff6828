import { describe, expect, test } from "bun:test";
import { nearest, suggestion } from "../../src/base/nearest.ts";

const known = ["add", "remove", "list", "stats", "workers"];

describe("nearest", () => {
  for (const [word, meant] of [
    ["lst", "list"],
    ["rmove", "remove"],
    ["STATS", "stats"],
    ["work", "workers"],
    ["statss", "stats"],
  ] as const) {
    test(`'${word}' was meant to be '${meant}'`, () => expect(nearest(word, known)).toBe(meant));
  }

  test("a word that is near nothing has no suggestion", () => {
    expect(nearest("frobnicate", known)).toBeUndefined();
    expect(suggestion("x".repeat(100_000), known)).toBe("");
  });
});
