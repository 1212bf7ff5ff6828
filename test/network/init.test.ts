// The first run: with a terminal and without one, a file comes out that passes the check, and with answers it relays.
import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { binary, Relay } from "../helpers/relay.ts";
import { Terminal } from "../helpers/terminal.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("init");
const terminal = new Terminal(lab, "relay");
const socket = ["--socket-path", join(lab.dir, "nobody.sock")];
afterEach(async () => {
  terminal.close();
  await lab.endAll();
});
afterAll(() => lab.close());

/** The program in the relay's namespace, without a terminal. */
function run(...args: readonly string[]) {
  return lab.spawn("relay", [binary, ...args]).finish();
}

test("without a terminal it takes the links that it finds, and writes an example that rests", async () => {
  const path = join(lab.dir, "new/folder/mcr.json5");
  const made = await run("init", path, ...socket);
  expect(made.exitCode).toBe(0);
  expect(made.stdout).toContain(
    `${path} is written: an example that rests, in0 239.1.1.1:5000 -> out0 239.2.2.2:5001\n`,
  );
  expect(made.stdout).toContain("No control socket at");
  expect(made.stdout).toEndWith(`  mcr-appliance supervise --config ${path}\n`);
  expect(await run("config", "check", path)).toMatchObject({ exitCode: 0, stderr: "" });
  const text = readFileSync(path, "utf8");
  expect(text).toContain("enabled: false,");

  const again = await run("init", "--yes", path, "--input-interface", "out1", ...socket);
  expect([again.exitCode, again.stdout]).toEqual([1, ""]);
  expect(again.stderr).toContain("is there already, and was left alone; --force writes over it");
  expect(readFileSync(path, "utf8")).toBe(text);
  const { ino } = statSync(path);
  expect((await run("init", "--force", path, "--input-interface", "out1", ...socket)).exitCode).toBe(0);
  expect(readFileSync(path, "utf8")).toContain('input: { interface: "out1", group');
  expect(statSync(path).ino).not.toBe(ino);

  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--config", path]);
  expect((await relay.tryCtl("list")).stdout).toContain("1 rule, 0 pending, 1 disabled");
  await relay.stop();
});

test("what cannot be is refused, and nothing is written", async () => {
  const path = join(lab.dir, "never.json5");
  const loop = await run("init", path, "--input-interface", "in0", "--output-interface", "in0", ...socket);
  expect([loop.exitCode, loop.stderr.includes("cannot be the same")]).toEqual([64, true]);
  const folder = await run("init", `${binary}/mcr.json5`, ...socket);
  expect([folder.exitCode, folder.stderr.includes("cannot be written")]).toEqual([71, true]);
  expect(existsSync(path)).toBe(false);
});

test("on a terminal it asks, and the answers make a file that relays", async () => {
  const path = join(lab.dir, "asked.json5");
  terminal.open(120, 60);
  const type = terminal.type.bind(terminal);
  const shows = (text: string) =>
    until(
      `the terminal shows "${text}"`,
      () => terminal.history,
      (shown) => shown.includes(text),
    );
  type(`${binary} init ${path} ${socket.join(" ")}; echo "it ended with $?"`, "Enter");
  await shows("Interfaces here: in0, out0, out1");
  await shows("Datagrams arrive on interface [in0]:");
  type("Enter");
  await shows("for group or address [239.1.1.1]:");
  type("239.1.1", "Enter");
  await shows("it must be an IPv4 address");
  type("239.1.1.7", "Enter");
  await shows("and port [5000]:");
  type("Enter");
  await shows("They leave on interface [out0]:");
  type("Enter");
  await shows("for group or address [239.2.2.2]:");
  type("Enter");
  await shows("and port [5001]:");
  type("Enter");
  await shows("it ended with 0");
  expect(await run("config", "check", path)).toMatchObject({ exitCode: 0, stderr: "" });

  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--config", path]);
  const sink = await Sink.start(lab, "sink", [
    ...["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", "100"],
  ]);
  await generate(lab, "gen", ["--group", "239.1.1.7", "--port", "5000", "--interface", "out0", "--count", "100"]);
  expect(await sink.received()).toMatchObject({ ...intact, received: 100 });
  await relay.stop();
});

test("who closes the terminal's input has written nothing", async () => {
  const path = join(lab.dir, "closed.json5");
  terminal.open(120, 60);
  terminal.type(`${binary} init ${path} ${socket.join(" ")}; echo "it ended with $?"`, "Enter");
  await terminal.showing("it asks", (text) => text.includes("on interface [in0]:"));
  terminal.type("C-d");
  await terminal.showing(
    "it gives up",
    (text) => text.includes("nothing was written") && text.includes("it ended with 1"),
  );
  expect(existsSync(path)).toBe(false);
});
