import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Status, statusSchema } from "../../../src/control/status.ts";
import { History, sparkline } from "../../../src/ctl/top/history.ts";
import { keysOf } from "../../../src/ctl/top/keys.ts";
import { TopState } from "../../../src/ctl/top/state.ts";
import { fit, view } from "../../../src/ctl/top/view.ts";
import { prove } from "../../helpers/prove.ts";

function rule(name: string, rate: number, dropped = 0) {
  return {
    rule_id: `id-${name}`,
    name,
    input_interface: "eth0",
    input_group: "239.1.1.1",
    input_port: 5000,
    input_protocol: 17,
    source: "Static",
    state: name === "late" ? "pending" : "active",
    datagrams: 1,
    bytes: 1,
    datagrams_per_second: rate,
    bits_per_second: rate * 8,
    outputs: [
      {
        group: "239.2.2.2",
        port: 5001,
        interface: "eth1",
        datagrams_sent: 1,
        bytes_sent: 1,
        datagrams_failed: 0,
        datagrams_dropped: dropped,
        datagrams_per_second: rate,
        bits_per_second: rate * 8,
      },
    ],
  };
}

function statusOf(rules: readonly unknown[], log: readonly string[] = []): Status {
  const frames = { received: 1, matched: 1, no_match: 0, kernel_drops: 0, queue_pauses: 0, refusals: {} };
  const worker = {
    pid: 77,
    core: 0,
    state: "running",
    restarts: 0,
    rss_bytes: 1,
    private_bytes: 1,
    ring_bytes: 1,
    queue: { length: 0, length_max: 0, capacity: 1 },
    wakeups_written: 0,
    wakeups_avoided: 0,
    frames,
  };
  return statusSchema.parse({
    program_version: "0.1.0",
    uptime_seconds: 1,
    pipeline: "unified",
    supervisor: { pid: 1, rss_bytes: 1, private_bytes: 1 },
    rules,
    workers: [worker],
    links: [],
    frames,
    log_tail: log,
  });
}

function stateWith(...rules: readonly unknown[]): TopState {
  const state = new TopState();
  state.update(statusOf(rules, ["2026-01-31T12:34:56.789Z info  a line of the log"]));
  return state;
}

const names = (state: TopState) => state.rules().map((each) => each.name);

test("keys are told apart, also when they come together, and unknown sequences are passed over", () => {
  expect(keysOf("q\u001b[A\u001b[B\u001b[15~\u001b[1;5C/é\r\u007f\u0003\u001b")).toEqual([
    { text: "q" },
    "up",
    "down",
    { text: "/" },
    { text: "é" },
    "enter",
    "backspace",
    "interrupt",
    "escape",
  ]);
});

test("any input is taken without a throw", () => {
  prove(
    fc.property(fc.string({ unit: "binary" }), (input) => keysOf(input).length <= input.length),
    500,
  );
});

describe("the state", () => {
  const state = () => stateWith(rule("feed-10", 5), rule("feed-2", 5), rule("fast", 50), rule("lossy", 1, 9));
  const press = (on: TopState, text: string) => keysOf(text).map((key) => on.press(key));

  test("sorts by rate, then name, then drops, with numbers in names as numbers, and reverses", () => {
    const top = state();
    expect(names(top)).toEqual(["fast", "feed-2", "feed-10", "lossy"]);
    press(top, "s");
    expect(names(top)).toEqual(["fast", "feed-2", "feed-10", "lossy"]);
    press(top, "s");
    expect(names(top)[0]).toBe("lossy");
    press(top, "r");
    expect(names(top).at(-1)).toBe("lossy");
  });

  test("filters by what is typed; Enter keeps it, Escape clears it, q is then a letter", () => {
    const top = state();
    expect(press(top, "/FEED-q")).not.toContain(true);
    expect(names(top)).toEqual([]);
    press(top, "\u007f");
    expect(names(top)).toEqual(["feed-2", "feed-10"]);
    press(top, "\r");
    expect(names(top).length).toBe(2);
    press(top, "\u001b");
    expect(names(top).length).toBe(4);
  });

  test("ends by q and Ctrl-C, also while a filter is typed", () => {
    expect(press(state(), "q")).toEqual([true]);
    expect(press(state(), "/a\u0003")).toEqual([false, false, true]);
  });
});

test("a sparkline is right-aligned, scaled to its highest, and blank where nothing was", () => {
  expect(sparkline([0, 1, 4, 8], 6)).toBe("   ▁▄█");
  expect(sparkline([8, 8, 1], 2)).toBe("█▁");
  expect(sparkline([], 3)).toBe("   ");
});

test("a minute is kept, and a rule that is gone is forgotten", () => {
  const history = new History();
  for (let at = 0; at < 100; at++) history.add(statusOf([rule("a", at)]).rules);
  expect([history.of("id-a").length, history.of("id-a").at(-1)]).toEqual([60, 99]);
  history.add([]);
  expect(history.of("id-a")).toEqual([]);
});

describe("the screen", () => {
  test("fits any size exactly, whatever is on it", () => {
    const rules = Array.from({ length: 40 }, (_, at) => rule(`東京-${at}-\u001b[2J-with-a-very-long-name`, at * 1e6));
    const state = stateWith(...rules);
    prove(
      fc.property(fc.integer({ min: 1, max: 250 }), fc.integer({ min: 1, max: 80 }), (columns, rows) => {
        const lines = view(state, { columns, rows });
        return (
          lines.length === rows &&
          lines.every(({ text }) => Bun.stringWidth(text) <= columns && !text.includes("\u001b"))
        );
      }),
      500,
    );
  });

  test("of 80x24 has rules, workers, log and keys", () => {
    const text = view(stateWith(rule("feed", 1500), rule("late", 0)), { columns: 80, rows: 24 })
      .map((line) => line.text)
      .join("\n");
    expect(text).toContain("2 rules, 1 pending");
    expect(text).toMatch(/^feed +1,500\/s +1,500\/s +12.0 kb\/s +0 .*█$/m);
    expect(text).toMatch(/^! late/m);
    expect(text).toMatch(/^ {5}0 +77 +0 % +- +0 +0 {2}running$/m);
    expect(text).toContain("LOG\n12:34:56 info  a line of the log");
    expect(text).toEndWith("q quit  s sort: rate  r reverse  / filter  arrows scroll");
  });

  test("scrolls, and says how many rules are above and below", () => {
    const state = stateWith(...Array.from({ length: 40 }, (_, at) => rule(`r${at}`, 100 - at)));
    for (let at = 0; at < 3; at++) state.press("down");
    const text = view(state, { columns: 80, rows: 24 }).map((line) => line.text);
    expect(text.some((line) => line.startsWith("r3 "))).toBe(true);
    expect(text.some((line) => line.startsWith("r2 "))).toBe(false);
    expect(text.find((line) => line.includes("above"))).toMatch(/^3 above, \d+ below$/);
  });

  test("says that its numbers are old while nobody answers", () => {
    const state = stateWith(rule("feed", 1));
    state.trouble = "nobody listens";
    expect(view(state, { columns: 120, rows: 24 })[0]?.text).toContain("(old: nobody listens)");
  });

  test("cuts with an ellipsis", () => {
    expect([fit("abcdef", 4), fit("abcd", 4), fit("東京都", 4), fit("ab", 0)]).toEqual(["abc…", "abcd", "東…", ""]);
  });
});
