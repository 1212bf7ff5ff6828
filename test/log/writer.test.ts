import { describe, expect, test } from "bun:test";
import { record } from "../../src/log/record.ts";
import { LogPipe, type WriteLine } from "../../src/log/writer.ts";

/** PIPE_BUF. */
const sizeMax = 4096;
const startUs = Date.UTC(2026, 0, 31, 12) * 1000;

/** A pipe that takes lines, or nothing while `isFull`; a clock that stands until moved. */
function pipe() {
  const world = { lines: [] as string[], isFull: false, attempts: 0, nowUs: startUs };
  const write: WriteLine = (line) => {
    world.attempts++;
    if (new TextEncoder().encode(line).length > sizeMax) return "long";
    if (world.isFull) return "full";
    world.lines.push(line);
    return "written";
  };
  const log = new LogPipe({ write, clockUs: () => world.nowUs });
  const records = () => world.lines.map((line) => record.parse(JSON.parse(line)));
  return { world, log, records };
}

describe("a line", () => {
  test("is one JSON object with its end, as the supervisor checks it, in UTC with microseconds", () => {
    const { world, log, records } = pipe();
    world.nowUs = startUs + 42_000_007;
    log.writer("Ingress").say("Info", 'a "rule"\nadded', { rule: "x", frames: 3, isUp: true });
    expect(world.lines[0]).toEndWith("}\n");
    expect(world.lines[0]?.indexOf("\n")).toBe((world.lines[0]?.length ?? 0) - 1);
    expect(records()).toEqual([
      {
        timestamp: "2026-01-31T12:00:42.000007Z",
        level: "Info",
        facility: "Ingress",
        message: 'a "rule"\nadded',
        fields: { rule: "x", frames: 3, isUp: true },
      },
    ]);
  });

  test("has its keys in the alphabet's order, as MCR's workers write them", () => {
    const { world, log } = pipe();
    log.writer("DataPlane").say("Notice", "hello");
    expect(world.lines[0]).toBe(
      '{"facility":"DataPlane","level":"Notice","message":"hello","timestamp":"2026-01-31T12:00:00.000000Z"}\n',
    );
  });

  test("that is too long for one write is cut and says so, whatever its characters", () => {
    for (const character of ["x", "\u0000", "\u{1F600}", "\ud800", '"']) {
      const { log, records } = pipe();
      log.writer("Egress").say("Error", character.repeat(5000), { rule: "x" });
      expect(records()[0]?.message).toEndWith(`(cut, ${5000 * character.length} characters)`);
      expect(records()[0]?.fields).toEqual({ fields_cut: true });
    }
  });

  test("whose fields are too long keeps its message and loses the fields, and says so", () => {
    const { log, records } = pipe();
    log.writer("Egress").say("Error", "short", { dump: "y".repeat(5000) });
    expect(records()).toMatchObject([{ message: "short", fields: { fields_cut: true } }]);
  });
});

describe("a pipe that is full", () => {
  test("loses lines, counts them, and the next that fits says how many", () => {
    const { world, log, records } = pipe();
    const writer = log.writer("Ingress");
    world.isFull = true;
    for (let line = 0; line < 5; line++) writer.say("Info", "lost", { line });
    world.isFull = false;
    world.nowUs += 2000;
    writer.say("Info", "first");
    writer.say("Info", "second");
    expect(log.lost).toBe(5);
    expect(records().map(({ message, fields }) => [message, fields])).toEqual([
      ["first", { lines_lost: 5 }],
      ["second", undefined],
    ]);
  });

  test("is asked once a millisecond, not for every line", () => {
    const { world, log } = pipe();
    const writer = log.writer("Ingress");
    world.isFull = true;
    for (let line = 0; line < 1000; line++) {
      writer.say("Info", "lost");
      world.nowUs += 10;
    }
    expect(log.lost).toBe(1000);
    expect(world.attempts).toBe(10);
  });

  test("lets a line that is asked for beforehand be counted without being built", () => {
    const { world, log, records } = pipe();
    const writer = log.writer("Ingress");
    const trySay = () => {
      if (writer.takes("Info")) writer.say("Info", "built");
    };
    world.isFull = true;
    for (let line = 0; line < 4; line++) trySay();
    expect([world.attempts, log.lost]).toEqual([1, 4]);
    expect(writer.takes("Debug")).toBe(false);
    expect(log.lost).toBe(4);
    world.isFull = false;
    world.nowUs += 2000;
    trySay();
    expect(records()).toMatchObject([{ message: "built", fields: { lines_lost: 4 } }]);
  });

  test("says the loss of one facility with the next line of another: they share the pipe", () => {
    const { world, log, records } = pipe();
    world.isFull = true;
    log.writer("Ingress").say("Info", "lost");
    world.isFull = false;
    world.nowUs += 2000;
    log.writer("Egress").say("Info", "fits");
    expect(records()).toMatchObject([{ facility: "Egress", fields: { lines_lost: 1 } }]);
  });

  test("keeps saying the loss when the line that said it was lost itself, or cut", () => {
    const { world, log, records } = pipe();
    const writer = log.writer("Ingress");
    world.isFull = true;
    writer.say("Info", "lost");
    world.nowUs += 2000;
    writer.say("Info", "lost too");
    world.isFull = false;
    world.nowUs += 2000;
    writer.say("Info", "x".repeat(5000));
    expect(records()[0]?.fields).toEqual({ lines_lost: 2 });
  });

  test("counts in the counter page, what was lost before it was mapped included", () => {
    const { world, log } = pipe();
    world.isFull = true;
    log.writer("Ingress").say("Info", "before");
    const page = Float64Array.of(0, 10, 0);
    log.countIn(page, 1);
    log.writer("Ingress").say("Info", "after");
    expect([...page]).toEqual([0, 12, 0]);
  });
});

describe("levels", () => {
  test("let Info pass at first, and nothing below it", () => {
    const { log, records } = pipe();
    for (const level of ["Emergency", "Critical", "Notice", "Info", "Debug", "Trace"] as const) {
      log.writer("Ingress").say(level, level);
    }
    expect(records().map(({ message }) => message)).toEqual(["Emergency", "Critical", "Notice", "Info"]);
  });

  test("of a facility decide alone, in both directions, and writers given out before follow", () => {
    const { log } = pipe();
    const [ingress, egress, stats] = [log.writer("Ingress"), log.writer("Egress"), log.writer("Stats")];
    log.follow("Error", { Ingress: "Trace", Stats: "Emergency" });
    expect([ingress, egress, stats].map((each) => each.passes("Error"))).toEqual([true, true, false]);
    expect([ingress, egress, stats].map((each) => each.passes("Trace"))).toEqual([true, false, false]);
    log.follow("Warning", {});
    expect([ingress, egress, stats].map((each) => each.passes("Notice"))).toEqual([false, false, false]);
    expect([ingress, egress, stats].map((each) => each.passes("Warning"))).toEqual([true, true, true]);
  });

  test("that do not pass reach neither the clock nor the pipe", () => {
    let looks = 0;
    const log = new LogPipe({
      write: () => {
        looks++;
        return "written";
      },
      clockUs: () => {
        looks++;
        return startUs;
      },
    });
    log.writer("Ingress").say("Debug", "nothing");
    expect(looks).toBe(0);
  });
});
