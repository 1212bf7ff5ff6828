import { describe, expect, test } from "bun:test";
import { type Entry, layouts } from "../../src/log/layout.ts";
import { levels } from "../../src/log/record.ts";
import { terminalLayout } from "../../src/log/terminal.ts";

const entry: Entry = {
  timestamp: "2026-01-31T12:00:00.123456Z",
  level: "Info",
  facility: "Ingress",
  message: "rule added",
  fields: { rule: "feed-a" },
  origin: { worker: 2, pid: 4242 },
};
const own: Entry = { ...entry, facility: "Supervisor", origin: { pid: 17 } };
const raw: Entry = {
  ...entry,
  level: "Warning",
  facility: "Unknown",
  message: "free(): bad \u001b[31mptr",
  isRaw: true,
};
delete raw.fields;

describe("a line for people", () => {
  test("is the design's, word for word", () => {
    expect(layouts.text(entry)).toBe(
      "2026-01-31T12:00:00.123Z info  [worker 2 pid 4242 ingress] rule added  rule=feed-a\n",
    );
    expect(layouts.text(own)).toBe("2026-01-31T12:00:00.123Z info  [supervisor] rule added  rule=feed-a\n");
  });

  test("quotes what would be misread and lets nothing move the cursor", () => {
    const fields = { a: "two words", b: "x=y", c: "", d: 'say "x"', e: { deep: 1 }, "f\u001b": "\u0007" };
    expect(layouts.text({ ...own, message: "a\nb\u001b[2J", fields })).toEndWith(
      ' a\\u000ab\\u001b[2J  a="two words" b="x=y" c="" d="say \\"x\\"" e="{\\"deep\\":1}" f\\u001b=\\u0007\n',
    );
  });

  test("on a terminal says the same", () => {
    const layout = terminalLayout();
    for (const level of levels) {
      const each = { ...entry, level };
      expect(Bun.stripANSI(layout(each))).toBe(layouts.text(each));
    }
  });
});

describe("a line for a program", () => {
  test("is one JSON object with where it came from", () => {
    expect(JSON.parse(layouts.json(entry))).toEqual({
      timestamp: "2026-01-31T12:00:00.123456Z",
      level: "Info",
      facility: "Ingress",
      worker: 2,
      pid: 4242,
      message: "rule added",
      fields: { rule: "feed-a" },
    });
    expect(JSON.parse(layouts.json(raw))).toMatchObject({ raw: true, message: raw.message });
    expect(layouts.json(raw)).not.toContain("\u001b");
  });
});

test("a line for the journal begins with its priority and has no clock", () => {
  expect(layouts.journal(entry)).toBe("<6>[worker 2 pid 4242 ingress] rule added  rule=feed-a\n");
  expect(levels.map((level) => layouts.journal({ ...entry, level })[1]).join("")).toBe("012345677");
});

describe("a line for MCR's tools", () => {
  test("of a worker begins with its pid, its fields on a line of their own", () => {
    expect(layouts.mcr(entry)).toBe(
      '[Worker 4242] [2026-01-31T12:00:00.123456Z] [Info] rule added\n  Fields: {"rule":"feed-a"}\n',
    );
    expect(layouts.mcr(raw)).toBe("[Worker 4242] free(): bad \\u001b[31mptr\n");
  });

  test("of the supervisor has local time, level and name", () => {
    expect(layouts.mcr(own)).toMatch(
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.123\] \[Info\] \[Supervisor\] rule added rule=feed-a\n$/,
    );
  });
});
