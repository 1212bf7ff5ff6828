// When it cannot start: an exit code that scripts can tell apart, and a message with cause and cure.
import { afterAll, afterEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { compiled } from "../helpers/compiled.ts";
import { type LaunchOptions, Relay } from "../helpers/relay.ts";
import { ruleOf } from "../helpers/status.ts";
import { bench, generate, intact, Sink } from "../helpers/traffic.ts";

const lab = bench("refusals");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

/** Starts what is expected not to; returns exit code and log. */
async function refused(args: readonly string[], options: LaunchOptions = {}) {
  const { exitCode, stderr, stdout } = await Relay.launch(lab, "relay", args, options).finish(5000);
  expect(stdout).toBe("");
  expect(lab.pids("relay")).toEqual([]);
  return { exitCode, stderr };
}

test("without privileges it ends with 77 and says which it needs", async () => {
  const dir = join(lab.dir, "nobody");
  mkdirSync(dir);
  chmodSync(lab.dir, 0o755);
  chmodSync(dir, 0o777);
  const under = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps", "-all"];
  const { exitCode, stderr } = await refused([], { under, socketPath: join(dir, "control.sock") });
  expect(exitCode).toBe(77);
  expect(stderr).toContain("AF_PACKET sockets are not permitted (EPERM)");
  expect(stderr).toContain("Run it as root");
  expect(stderr).toContain("AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN");
});

test("without io_uring, when that was asked for, it ends with 69, names the likely cause and the cure", async () => {
  const { exitCode, stderr } = await refused(["--io", "io_uring"], { under: [compiled("forbid"), "io_uring_setup"] });
  expect(exitCode).toBe(69);
  expect(stderr).toContain("io_uring is not available (EPERM)");
  expect(stderr).toContain("seccomp");
  expect(stderr).toContain("--security-opt seccomp=unconfined");
});

test("a control socket in use is refused with 69, and the supervisor that owns it goes on undisturbed", async () => {
  const config = join(lab.dir, "same.json5");
  const feed = {
    name: "feed",
    input: { interface: "in0", group: "239.1.1.1", port: 5000 },
    outputs: [{ group: "239.2.2.2", port: 5001, interface: "out0" }],
  };
  writeFileSync(config, JSON.stringify({ rules: [feed] }));
  const first = await Relay.start(lab, "relay", ["--config", config]);
  const listen = ["--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", "20000"];
  const sink = await Sink.start(lab, "sink", listen);
  const sending = generate(lab, "gen", [
    ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "10k", "--count", "20000"],
  ]);
  // The second one has the same rules: were it to relay for a moment, datagrams would come out twice.
  for (let turn = 0; turn < 3; turn++) {
    const second = Relay.launch(lab, "relay", ["--config", config], { socketPath: first.socketPath });
    const { exitCode, stderr } = await second.finish(5000);
    expect(exitCode).toBe(69);
    expect(stderr).toContain(`control socket ${first.socketPath} is in use: another supervisor runs`);
    expect(stderr).toContain("--control-socket-path");
  }
  await sending;
  expect(await sink.received()).toMatchObject({ ...intact, received: 20_000 });
  expect(existsSync(first.socketPath)).toBe(true);
  expect(await ruleOf(first, "feed")).toMatchObject({ datagrams: 20_000 });
  await first.stop();
});

test("a stale socket file is taken over, and the new one is for owner and group alone", async () => {
  const socketPath = join(lab.dir, "stale.sock");
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(join(lab.dir, "listening.sock"), resolve));
  // The file outlives its server when it has another name by then.
  lab.exec("relay", ["mv", join(lab.dir, "listening.sock"), socketPath]);
  await new Promise((resolve) => dead.close(resolve));
  expect(statSync(socketPath).isSocket()).toBe(true);
  const relay = await Relay.start(lab, "relay", [], { socketPath });
  expect(statSync(socketPath).mode & 0o777).toBe(0o660);
  await relay.stop();
});

test("a file that is no socket is left alone", async () => {
  const socketPath = join(lab.dir, "precious.txt");
  writeFileSync(socketPath, "precious");
  const { exitCode, stderr } = await refused([], { socketPath });
  expect(exitCode).toBe(71);
  expect(stderr).toContain("exists and is not a socket");
  expect(statSync(socketPath).size).toBe(8);
});

const usage: [what: string, args: string[], said: string][] = [
  ["no workers", ["--workers", "0"], "--workers must be a number from 1 to 64, not '0'"],
  ["too many workers", ["--workers", "65"], "--workers must be a number from 1 to 64, not '65'"],
  ["more workers than cores", ["--workers", "64"], "--workers 64 needs as many cores"],
  ["workers that are no number", ["--workers", "two"], "not 'two'"],
  ["a core that is not there", ["--cores", "4000"], "core 4000 is not there"],
  ["cores that are no list", ["--cores", "0-"], "a list looks like 0,2-3"],
  ["an unknown pipeline", ["--pipeline", "triple"], "--pipeline must be one of auto, split, unified"],
  ["an unknown option", ["--worker", "1"], "--workers"],
  ["an option without its value", ["--workers"], "--workers"],
  ["an argument too many", ["now"], "unexpected argument 'now'"],
];
test.each(usage)("%s: exit code 64 and what would be right", async (_, args, said) => {
  const { exitCode, stderr } = await refused(args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: expect.stringContaining(said) });
});

const files: [what: string, text: string | undefined, said: string][] = [
  ["that is missing", undefined, "no such file"],
  ["that is no JSON5", "{ rules: [", "bad.json5:1:10: failed to parse config: this '[' is never closed"],
  [
    "with a wrong field",
    '{ rules: [{ input: { interface: "in0", group: "239.1.1.1", port: 70000 } }] }',
    "bad.json5:1:66: rules[0].input.port must be a port",
  ],
];
test.each(files)("a configuration file %s: exit code 78, its name and the place", async (_, text, said) => {
  const path = join(lab.dir, "bad.json5");
  if (text !== undefined) writeFileSync(path, text);
  const { exitCode, stderr } = await refused(["--config", path]);
  expect(exitCode).toBe(78);
  expect(stderr).toContain(path);
  expect(stderr).toContain(said);
});
