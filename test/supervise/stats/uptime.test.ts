import { expect, test } from "bun:test";
import { Uptime } from "../../../src/supervise/stats/uptime.ts";

/** Both clocks at the moment of a start. */
function lab() {
  const now = { steady: 5_000, wall: 1_700_000_000_000 };
  return { now, uptime: new Uptime({ steady: () => now.steady, wall: () => now.wall }) };
}

test.each([3_600_000, -3_600_000])("a clock that is set by %d ms changes nothing of it", (jump) => {
  const { now, uptime } = lab();
  now.steady += 60_000;
  now.wall += 60_000 + jump;
  expect(uptime.seconds).toBe(60);
  expect(uptime.startedMs).toBe(1_700_000_000_000 + jump);
});

test("a successor, whose own clock begins anew, counts on", () => {
  const { now, uptime } = lab();
  now.steady += 60_000;
  now.wall += 60_000;
  const said = uptime.startedMs;
  const later = { steady: 0, wall: now.wall };
  const heir = new Uptime({ steady: () => later.steady, wall: () => later.wall });
  heir.inherit(said);
  later.steady += 10_000;
  later.wall = 0;
  expect(heir.seconds).toBe(70);
  expect(heir.startedMs).toBe(0);
});
