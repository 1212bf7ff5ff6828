import { expect, test } from "bun:test";
import { fold, foldCommand } from "../../src/ctl/fold.ts";

test("a paragraph is broken between words, and none is longer than it may be", () => {
  expect(fold("one two three", 7)).toBe("one two\nthree");
  expect(fold("longer than it may be", 4).split("\n")).toEqual(["longer", "than", "it", "may", "be"]);
});

test("a command line that fits stays as it is", () => {
  expect(foldCommand("add --a 1 --b 2", 15)).toEqual(["add --a 1 --b 2"]);
});

test("a longer one goes on behind a backslash, an option with its value, a pipe with its program", () => {
  expect(foldCommand("add --a 1 --b 2 | cat -n", 17)).toEqual(["add --a 1 \\", "    --b 2 \\", "    | cat -n"]);
});

test("what is quoted stays whole", () => {
  expect(foldCommand("add --text 'a --b | c' --d", 20)).toEqual(["add \\", "    --text 'a --b | c' \\", "    --d"]);
});
