import { expect, test } from "bun:test";
import { Turns } from "../../src/base/turns.ts";

test("each step begins when the one before it is over, also one that failed", async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.take(async () => {
    await gate.promise;
    seen.push("first");
    throw new Error("as it happens");
  });
  const second = turns.take(() => seen.push("second"));
  expect(seen).toEqual([]);
  gate.resolve();
  await expect(first).rejects.toThrow("as it happens");
  expect(await second).toBe(2);
  expect(seen).toEqual(["first", "second"]);
});
