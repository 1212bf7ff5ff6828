import { expect, test } from "bun:test";
import { RulePieces } from "../../src/worker/rule-changes.ts";

const piece = (remove: number[], isFirst: boolean, isLast: boolean) => ({
  ...{ kind: "ChangeRules" as const, put: [], remove },
  isFirst,
  isLast,
});

test("pieces count together when the last is there, and a change whose last never came is forgotten by the next", () => {
  const pieces = new RulePieces();
  expect(pieces.add(piece([1], true, true))).toEqual({ put: [], remove: [1] });
  expect(pieces.add(piece([2], true, false))).toBeUndefined();
  expect(pieces.add(piece([3], false, true))).toEqual({ put: [], remove: [2, 3] });
  expect(pieces.add(piece([4], true, false))).toBeUndefined();
  expect(pieces.add(piece([5], true, true))).toEqual({ put: [], remove: [5] });
});
