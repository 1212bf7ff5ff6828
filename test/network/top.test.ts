// The live view on a real terminal: tmux at several sizes. Whatever ends it, the terminal comes back as it was.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { binary, Relay } from "../helpers/relay.ts";
import { Terminal } from "../helpers/terminal.ts";
import { bench, Stream } from "../helpers/traffic.ts";

const lab = bench("top");
const terminal = new Terminal(lab, "relay");
const showing = terminal.showing.bind(terminal);
const type = terminal.type.bind(terminal);
afterEach(async () => {
  terminal.close();
  await lab.endAll();
});
afterAll(() => lab.close());

/** Starts top in a shell of a terminal of this size. */
async function start(columns: number, rows: number): Promise<Relay> {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  for (let at = 0; at < 30; at++) {
    const outputs = [{ group: "239.2.2.2", port: 6000 + at, interface: "out0" }];
    const rule = { name: `feed-${at}`, input_interface: "in0", input_group: `239.1.1.${at + 1}`, input_port: 5000 };
    await relay.must({ AddRule: { ...rule, outputs } });
  }
  terminal.open(columns, rows);
  type(`${binary} top --socket-path ${relay.socketPath}; echo "it ended with $?"`, "Enter");
  await showing("top is there", (text) => text.includes("mcr-appliance 0") && text.includes("q quit"));
  return relay;
}

/** Back at the shell, with its echo and its cursor. */
async function isBack(): Promise<void> {
  await showing("the shell is back", (text) => text.includes("it ended with 0") && !text.includes("q quit"));
  type("echo a''b", "Enter");
  await showing("the shell shows what is typed", (text) => text.includes("echo a''b") && text.includes("\nab"));
  expect(terminal.isOrdinary).toBe(true);
}

describe.each([
  [80, 24],
  [120, 40],
  [60, 15],
])("in %d x %d", (columns, rows) => {
  test("it shows rules, rates, curve and workers, and ends by q", async () => {
    const relay = await start(columns, rows);
    const stream = new Stream(lab, "gen", [
      "--group",
      "239.1.1.3",
      "--port",
      "5000",
      "--interface",
      "out0",
      "--rate",
      "1k",
    ]);
    await showing("the busy rule comes first, with a curve", (_, lines) =>
      /^feed-2 .*[0-9]\/s .*█/.test(lines[4] ?? ""),
    );
    const lines = terminal.lines;
    expect(lines.length).toBe(rows);
    expect(lines.some((line) => /^ +0 +\d+ +\d+ %/.test(line))).toBe(true);
    expect(lines.at(-1)).toStartWith("q quit");
    await stream.finished();
    type("q");
    await isBack();
    await relay.stop();
  });
});

test("it filters, follows a new size, and ends by Ctrl-C", async () => {
  const relay = await start(80, 24);
  type("/", "feed-1");
  await showing("only matching rules", (text) => text.includes("filter: feed-1_") && !text.includes("\nfeed-2 "));
  type("Enter");
  terminal.resize(100, 30);
  await showing(
    "the foot on the new last line",
    (_, lines) => lines.length === 30 && lines[29]?.startsWith("q quit") === true,
  );
  type("C-c");
  await isBack();
  await relay.stop();
});

test("a supervisor that ends is said, and one that comes back is shown again", async () => {
  const relay = await start(80, 24);
  await relay.stop();
  await showing("old numbers are called old", (text) => text.includes("(old: no control"));
  const next = await Relay.start(lab, "relay", ["--workers", "1"], { socketPath: relay.socketPath });
  await showing("new numbers", (text) => !text.includes("(old:") && text.includes("0 rules"));
  type("q");
  await isBack();
  await next.stop();
});

test("SIGTERM gives the terminal back too", async () => {
  const relay = await start(80, 24);
  const [pid] = lab
    .exec("relay", ["pgrep", "-f", `^${binary} top --socket-path ${relay.socketPath}`])
    .stdout.split("\n");
  process.kill(Number(pid), "SIGTERM");
  await isBack();
  await relay.stop();
});

test("without a terminal it says what to use instead", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const { exitCode, stderr } = await relay.tryCtl("top");
  expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: expect.stringContaining("stats --watch") });
  await relay.stop();
});
