import { expect, test } from "bun:test";
import { isJournal } from "../../../src/supervise/start/error-output.ts";

test("the journal reads our log only when the variable names the very descriptor that we write to", () => {
  const here = { dev: 9, ino: 4711 };
  expect(isJournal("9:4711", here)).toBe(true);
  // What a child of a service finds in its environment while its own output goes elsewhere.
  expect(isJournal("9:4712", here)).toBe(false);
  expect(isJournal("8:4711", here)).toBe(false);
  expect(isJournal("", here)).toBe(false);
  expect(isJournal(undefined, here)).toBe(false);
});
