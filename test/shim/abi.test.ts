import { expect, test } from "bun:test";
import { abiDifference, abiText, Done, RingPlaces, Send } from "../../src/shim/abi.ts";
import { shim } from "../../src/shim/library.ts";

test("C and TypeScript describe the same contract", () => {
  expect(abiDifference(abiText(), String(shim.mcr_abi()))).toBeUndefined();
});

test("any line of it that differs is found, and both sides are named", () => {
  const lines = abiText().split("\n");
  for (let at = 0; at < lines.length - 1; at++) {
    const theirs = lines.with(at, `${lines[at]} `).join("\n");
    expect(abiDifference(abiText(), theirs)).toBe(`TypeScript has "${lines[at]}", C has "${lines[at]} "`);
    expect(abiDifference(abiText(), lines.toSpliced(at, 1).join("\n"))).toContain(`TypeScript has "${lines[at]}"`);
  }
  expect(abiDifference(abiText(), `${abiText()}i32 mcr_more(void)\n`)).toContain('C has "i32 mcr_more(void)"');
});

test("structs are laid out by C's rule: a double begins at a multiple of 8, the size is one of the widest", () => {
  expect([RingPlaces.done, RingPlaces.sends, RingPlaces.done_max, RingPlaces.size]).toEqual([0, 8, 24, 48]);
  expect([Done.token, Done.result, Done.more, Done.size]).toEqual([0, 4, 8, 12]);
  expect(Send.size).toBe(24);
});
