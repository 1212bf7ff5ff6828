import { expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import { Tail } from "../../src/log/tail.ts";

test("the newest lines are kept, oldest first, as a person reads them", () => {
  const tail = new Tail();
  for (let at = 0; at < limits.logTailLines + 5; at++) {
    tail.note({
      timestamp: "2026-01-31T12:00:00.000000Z",
      level: "Info",
      facility: "Supervisor",
      message: `line ${at}`,
      origin: { pid: 1 },
    });
  }
  const lines = tail.lines();
  expect(lines.length).toBe(limits.logTailLines);
  expect(lines[0]).toBe("2026-01-31T12:00:00.000Z info  [supervisor] line 5");
});
