import { describe, expect, test } from "bun:test";
import { limits } from "../../src/limits.ts";
import { type Collected, Collector } from "../../src/log/collector.ts";

const encoder = new TextEncoder();
const good = { timestamp: "2026-01-31T12:00:00.000000Z", level: "Info", facility: "Ingress", message: "hello" };

function collector() {
  const lines: Collected[] = [];
  const floods: number[] = [];
  const world = { nowMs: 1_000_000 };
  const made = new Collector({
    take: (line) => lines.push(line),
    flooded: (count) => floods.push(count),
    nowMs: () => world.nowMs,
  });
  const push = (text: string) => made.push(encoder.encode(text));
  return { made, lines, floods, world, push };
}

describe("a worker's pipe", () => {
  test("gives records as they were written, however the bytes are split", () => {
    const whole = encoder.encode(`${JSON.stringify(good)}\n${JSON.stringify({ ...good, message: "é😀" })}\n`);
    for (let cut = 0; cut <= whole.length; cut++) {
      const { made, lines } = collector();
      made.push(whole.subarray(0, cut));
      made.push(whole.subarray(cut));
      expect(lines as unknown[]).toEqual([good, { ...good, message: "é😀" }]);
    }
  });

  test.each([
    "panic: index out of range",
    "{",
    "null",
    "[1,2]",
    '{"level":"Info"}',
    JSON.stringify({ ...good, level: "Loud" }),
    JSON.stringify({ ...good, facility: "Kitchen" }),
    JSON.stringify({ ...good, timestamp: "yesterday" }),
    JSON.stringify({ ...good, message: 5 }),
  ])("wraps what is no record and keeps its text: %s", (text) => {
    const { lines, push } = collector();
    push(`${text}\n${JSON.stringify(good)}\n`);
    expect(lines).toMatchObject([{ level: "Warning", facility: "Unknown", message: text, isRaw: true }, good]);
  });

  test("gives half a line when it ends, and skips empty ones", () => {
    const { made, lines, push } = collector();
    push("\n\nthread panicked at");
    expect(lines).toEqual([]);
    made.end();
    expect(lines).toMatchObject([{ message: "thread panicked at", isRaw: true }]);
    made.end();
    expect(lines).toHaveLength(1);
  });

  test("cuts a line at the bound, says so, and reads the next one whole", () => {
    for (const over of [0, 1, 100_000]) {
      const { lines, push } = collector();
      push(`${"x".repeat(limits.logLineSizeMax + over)}\n${JSON.stringify(good)}\n`);
      const said = over === 0 ? "" : `… (cut at ${limits.logLineSizeMax} bytes)`;
      expect(lines.map(({ message }) => message)).toEqual(["x".repeat(limits.logLineSizeMax) + said, "hello"]);
    }
  });

  test("of a worker that floods gives so many lines a second and counts the rest", () => {
    const { made, lines, floods, world, push } = collector();
    const over = 12_345;
    push(`${JSON.stringify(good)}\n`.repeat(limits.logLinesPeriodMax + over));
    expect(lines).toHaveLength(limits.logLinesPeriodMax);
    expect(floods).toEqual([]);
    world.nowMs += 1000;
    // No line needs to follow: the flood may have ended.
    made.tick();
    expect(floods).toEqual([over]);
    push(`${JSON.stringify({ ...good, message: "calm" })}\n`);
    expect(lines.at(-1)?.message).toBe("calm");
    world.nowMs += 1000;
    made.end();
    expect(floods).toEqual([over]);
  });

  test("of a worker that floods still gives what is grave, up to a bound of its own", () => {
    const grave = { ...good, facility: "Egress", level: "Error", message: "why it dies" };
    const inOrder = ({ facility, level, message, timestamp }: typeof good) =>
      JSON.stringify({ facility, level, message, timestamp });
    const { lines, floods, made, world, push } = collector();
    push(`${inOrder(good)}\n`.repeat(limits.logLinesPeriodMax + 1));
    push(`${inOrder(grave)}\n${inOrder(good)}\npanic: at the disco\n`);
    expect(lines.slice(limits.logLinesPeriodMax).map(({ message }) => message)).toEqual([
      "why it dies",
      "panic: at the disco",
    ]);
    push(`${inOrder(grave)}\n`.repeat(limits.logGraveLinesPeriodMax));
    expect(lines).toHaveLength(limits.logLinesPeriodMax + limits.logGraveLinesPeriodMax);
    world.nowMs += 1000;
    made.tick();
    expect(floods).toEqual([4]);
  });

  test("counts a flood that was cut off by the worker's end", () => {
    const { made, floods, push } = collector();
    push("{\n".repeat(limits.logLinesPeriodMax + 3));
    made.end();
    expect(floods).toEqual([3]);
  });

  test("does not glue a line after a flood to what the flood left behind", () => {
    const { lines, world, push } = collector();
    push(`${"x\n".repeat(limits.logLinesPeriodMax)}{half of a line that is`);
    push(" skipped\n");
    world.nowMs += 1000;
    push("whole\n");
    expect(lines.at(-1)?.message).toBe("whole");
  });
});
