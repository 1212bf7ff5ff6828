import { expect, test } from "bun:test";
import { until } from "./until.ts";

test("until returns the state that satisfied the condition", async () => {
  let looks = 0;
  const state = await until(
    "three looks",
    () => ++looks,
    (seen) => seen === 3,
    { everyMs: 1 },
  );
  expect(state).toBe(3);
});

test("until names what it waited for and the last state it saw", async () => {
  const wait = until(
    "the sun",
    () => ({ hour: 3 }),
    (seen) => seen.hour > 6,
    { deadlineMs: 5, everyMs: 1 },
  );
  await expect(wait).rejects.toThrow(/waited 5 ms for: the sun; last state: .*hour: 3/s);
});

test("until takes a probe that throws for one that is not there yet", async () => {
  let looks = 0;
  const probe = () => {
    looks += 1;
    if (looks < 3) throw new Error("no such file");
    return "there";
  };
  expect(await until("the file", probe, undefined, { everyMs: 1 })).toBe("there");
  const never = until("the file", () => Promise.reject(new Error("no such file")), undefined, {
    deadlineMs: 5,
    everyMs: 1,
  });
  await expect(never).rejects.toThrow("last state: threw no such file");
});
