import { describe, expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import { Log } from "../../src/log/forward.ts";
import { layouts } from "../../src/log/layout.ts";
import { Levels } from "../../src/log/levels.ts";

const encoder = new TextEncoder();
const startUs = Date.UTC(2026, 0, 31, 12) * 1000;

function log() {
  const world = { nowUs: startUs, text: "" };
  const made = new Log({
    levels: new Levels("Info"),
    layout: layouts.text,
    print: (line) => {
      world.text += line;
    },
    clockUs: () => world.nowUs,
  });
  const take = made.worker({ worker: 1, pid: 77 });
  const line = (message: string, level = "Info") =>
    encoder.encode(
      `${JSON.stringify({ facility: "Ingress", level, message, timestamp: "2026-01-31T11:59:59.000001Z" })}\n`,
    );
  return { made, world, take, line };
}

describe("the supervisor's log", () => {
  test("prints its own lines by its levels, and workers' lines as they come", () => {
    const { made, world, take, line } = log();
    made.say("Debug", "not wanted");
    made.say("Notice", "ready", { workers: 2 });
    take.push(line("hello", "Trace"));
    expect(world.text).toBe(
      "2026-01-31T12:00:00.000Z notice [supervisor] ready  workers=2\n" +
        "2026-01-31T11:59:59.000Z trace [worker 1 pid 77 ingress] hello\n",
    );
  });

  test("follows levels that change", () => {
    const { made, world } = log();
    made.levels.setFacility("Network", "Debug");
    made.say("Debug", "a link came", undefined, "Network");
    made.say("Debug", "not wanted");
    made.levels.setGlobal("Error");
    made.say("Warning", "not wanted");
    expect(world.text.match(/\n/g)).toHaveLength(1);
    expect(world.text).toContain("a link came");
  });

  test("collapses repeated lines into one that says how often in how long", () => {
    const { made, world, take, line } = log();
    for (let at = 0; at < 1500; at++) take.push(line("no route"));
    world.nowUs += 9_000_000;
    made.tick();
    expect(world.text.match(/no route/g)).toHaveLength(limits.logRepeatsShown);
    world.nowUs += 1_000_000;
    made.tick();
    expect(world.text).toEndWith("[worker 1 pid 77 ingress] no route … 1,500 times in 10 s  times=1500\n");
  });

  test("tells of a flood, and that a worker's log has ended, after its last half line", () => {
    const { made, world, take } = log();
    take.push(encoder.encode("{\n".repeat(limits.logLinesPeriodMax + 4812)));
    world.nowUs += 1_000_000;
    made.tick();
    expect(world.text).toContain("worker 1 (pid 77) logs too much: 4,812 lines not shown");
    take.push(encoder.encode("panic: last wor"));
    take.end();
    const [last, closed] = world.text.trim().split("\n").slice(-2);
    expect(last).toEndWith("[worker 1 pid 77 unknown] panic: last wor");
    expect(closed).toEndWith("[supervisor] Worker 77 log stream closed");
  });

  test("says what it held back when it ends", () => {
    const { made, world } = log();
    for (let at = 0; at < 100; at++) made.say("Warning", "again");
    made.end();
    expect(world.text).toContain("again … 100 times in 0 s");
  });
});
