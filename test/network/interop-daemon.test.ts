// mcrd by its options, exit codes, lines and variables, and mcrgen by its words: INTEROP.md 1.1, 1.3, 8.2 and 9.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Mcrd, named } from "../helpers/mcr.ts";
import { Lab } from "../helpers/namespaces.ts";
import { binary } from "../helpers/relay.ts";
import { until } from "../helpers/until.ts";

const lab = Lab.create("interop-daemon");
lab.veth({ ns: "gen", link: "out0", address: "10.0.1.1/24" }, { ns: "relay", link: "in0", address: "10.0.1.2/24" });
lab.veth({ ns: "relay", link: "out0", address: "10.0.2.1/24" }, { ns: "sink", link: "in0", address: "10.0.2.2/24" });
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const rule = `{ name: "feed", input: { interface: "in0", group: "239.1.1.1", port: 5000 },
  outputs: [ { group: "239.2.2.2", port: 5001, interface: "out0" } ] }`;

function file(text: string): string {
  const path = join(lab.dir, "mcr.json5");
  writeFileSync(path, text);
  return path;
}

describe("mcrd", () => {
  test("says its own lines and ends with 0 on SIGTERM and SIGINT; its socket is closed to others", async () => {
    const config = file(`{ rules: [ ${rule} ] }`);
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const mcrd = await Mcrd.start(lab, ["--config", config, "--interface", "in0", "--num-workers=1"]);
      expect(statSync(mcrd.socketPath).mode & 0o777).toBe(0o660);
      const { exitCode, stdout, stderr } = await mcrd.stop(signal);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
      const lines = stderr.split("\n");
      expect(lines).toContain(`[Supervisor] Loaded config from "${config}" (1 rules)`);
      expect(lines).toContain(`[Supervisor] Received ${signal}, initiating graceful shutdown`);
      expect(lines).toContain("[Supervisor] Shutdown complete");
      expect(stderr).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] \[Notice\] \[Supervisor\] ready/m);
      expect(stderr).toMatch(/\[Supervisor\] Worker \d+ log stream closed/);
      expect(stderr).not.toMatch(/panic|segfault|abort/);
    }
  }, 30_000);

  test("--log-json, before or behind the sub-command, makes JSON of its own lines alone", async () => {
    const config = file("{ rules: [] }");
    const socket = join(lab.dir, "json.sock");
    const line = (...args: string[]) => lab.spawn("relay", [named(lab, "mcrd"), ...args]);
    const options = ["--config", config, "--control-socket-path", socket, "--num-workers", "1"];
    for (const args of [
      ["--log-json", "supervisor", ...options],
      ["supervisor", ...options, "--log-json"],
    ]) {
      const mcrd = line(...args);
      await mcrd.says("[Notice] [Supervisor] ready", "stderr");
      mcrd.signal("SIGTERM");
      const { stderr } = await mcrd.finish();
      const objects = stderr.split("\n").filter((text) => text.startsWith("{"));
      expect(objects.map((text) => Object.keys(JSON.parse(text)).join())).toEqual(
        Array.from({ length: 3 }, () => "timestamp,level,facility,message"),
      );
      expect(JSON.parse(objects[0] ?? "")).toMatchObject({ level: "Info", message: expect.stringContaining("Loaded") });
    }
  }, 30_000);

  test.each([
    [["--config", "/nosuch.json5"], 1, 'Error: Failed to load config from "/nosuch.json5"'],
    [["--config", "BROKEN"], 1, "Error: Failed to load config from"],
    [["--config", "WRONG"], 1, "Error: Invalid config in"],
    [["--num-workers", "x"], 2, "error: invalid value 'x' for '--num-workers <N>'"],
    [["--user", "nobody"], 2, "error: unexpected argument '--user' found"],
    [["/etc/mcr.json5"], 2, "error: unexpected argument '/etc/mcr.json5' found"],
  ])(
    "%j ends with %d",
    async (args, exitCode, said) => {
      const texts: Record<string, string> = {
        BROKEN: "{ rules: [",
        WRONG: `{ rules: [ ${rule.replace("5000", "0")} ] }`,
      };
      const asked = args.map((arg) => (texts[arg] === undefined ? arg : file(texts[arg])));
      const ended = await Mcrd.launch(lab, asked).running.finish();
      expect(ended).toMatchObject({ exitCode, stdout: "", stderr: expect.stringContaining(said) });
    },
    30_000,
  );

  test("without a right to capture it ends with 1, and a worker by hand is refused", async () => {
    const mcrd = [binary, "mcrd"];
    const denied = lab.spawn("relay", ["setpriv", "--bounding-set=-all", "--inh-caps=-all", ...mcrd, "supervisor"]);
    expect(await denied.finish()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("[Supervisor] Error: AF_PACKET"),
    });
    const worker = [
      "worker",
      "--data-plane",
      "--core-id",
      "0",
      "--input-interface-name",
      "in0",
      "--fanout-group-id",
      "7",
    ];
    expect(await lab.spawn("relay", [...mcrd, ...worker]).finish()).toMatchObject({ exitCode: 1 });
  }, 30_000);

  test.each([
    ["0", 1],
    ["1", 1],
    ["1000", availableParallelism()],
  ])("--num-workers %s gives %d", async (asked, workers) => {
    const mcrd = await Mcrd.start(lab, ["--num-workers", asked]);
    expect(await mcrd.send("Ping")).toEqual({ Success: `pong: ${workers}/${workers} worker streams ready` });
    await mcrd.stop();
  });

  test("SIGHUP takes the file anew, and a missing interface waits", async () => {
    const config = file("{ rules: [] }");
    const mcrd = await Mcrd.start(lab, ["--config", config, "--num-workers", "1"]);
    file(`{ rules: [ ${rule}, ${rule.replaceAll("in0", "later0")} ] }`);
    mcrd.running.signal("SIGHUP");
    await until(
      "both rules are there",
      () => mcrd.send("ListRules"),
      (reply) => JSON.stringify(reply).includes("later0"),
    );
    await mcrd.stop();
  }, 30_000);

  test("variables say TTL and interval; what is different here is accepted and said", async () => {
    const mcrd = await Mcrd.start(lab, ["--config", file(`{ rules: [ ${rule} ] }`), "--num-workers", "1"], {
      ...{ MCR_STATS_INTERVAL_MS: "100", MCR_MULTICAST_TTL: "9", MCR_SOCKET_SNDBUF: "65536" },
      ...{ MCR_PERIODIC_SYNC_SECS: "5", MCR_NUM_RECV_BUFFERS: "64" },
    });
    expect(await mcrd.send("ListRules")).toMatchObject({ Rules: [{ outputs: [{ effective_ttl: 9 }] }] });
    const stats = String.raw`t_ms=\d+ rx=\d+ tx=\d+ matched=\d+ not_matched=\d+ rx_err=0 tx_err=0 buf_exhaust=0 pipe_err=0`;
    await mcrd.running.says(new RegExp(String.raw`^\[Worker \d+\] .*\[STATS\] ${stats}$`, "m"), "stderr");
    const { stderr } = await mcrd.stop();
    expect(stderr).toContain("MCR_PERIODIC_SYNC_SECS is not needed");
    expect(stderr).toContain("MCR_NUM_RECV_BUFFERS: in their place");
  }, 30_000);
});

describe("mcrgen", () => {
  const to = ["--group", "239.1.1.1", "--port", "5000", "--interface", "10.0.1.1"];
  const mcrgen = (...args: readonly string[]) => lab.spawn("gen", [named(lab, "mcrgen"), ...args]).finish(20_000);

  test("in every mode sends what is counted behind mcrd, and the log tells the same", async () => {
    const mcrd = await Mcrd.start(lab, ["--config", file(`{ rules: [ ${rule} ] }`), "--num-workers", "1"]);
    const sink = lab.spawn("sink", [
      ...[binary, "sink", "--group", "239.2.2.2", "--port", "5001", "--interface", "in0", "--expect", "3900", "--json"],
    ]);
    await sink.says("ready", "stderr");
    const runs: [args: string[], begins: string][] = [
      [
        ["--rate", "2500", "--count", "3000", "--size", "200"],
        "Async mode: sending to 239.1.1.1:5000 from 10.0.1.1 at 2500 pps (3 packets/tick @ 834 Hz, sendmmsg)\n",
      ],
      [
        ["--mode", "spin", "--rate", "1000", "--count", "400"],
        "Spin mode: sending to 239.1.1.1:5000 from 10.0.1.1 at 1000 pps (1000000 ns interval)\n",
      ],
      [
        ["--mode=burst", "--batch", "8", "--count", "500"],
        "Burst mode: sending to 239.1.1.1:5000 from 10.0.1.1 with size 1024 (batch=8)\n",
      ],
    ];
    for (const [args, begins] of runs) {
      const { exitCode, stdout } = await mcrgen(...to, ...args);
      expect(exitCode).toBe(0);
      expect(stdout).toStartWith(begins);
      const count = args[args.indexOf("--count") + 1];
      expect(stdout).toMatch(
        new RegExp(
          String.raw`\n\n=== Traffic Generator Summary ===\nMode: \w+\n(Batch size: 8\n)?Total packets sent: ${count}\nTotal errors: 0\n` +
            String.raw`Elapsed time: \d+\.\d\ds\nActual packet rate: \d+ pps\n(Rate accuracy: \d+\.\d% of target \d+ pps\n)?` +
            String.raw`Actual throughput: \d+\.\d\d Gbps\nTotal bytes: \d+ \(\d+\.\d\d MB\)\nPacket size: \d+ bytes\n$`,
        ),
      );
    }
    const received = JSON.parse((await sink.finish()).stdout);
    expect(received).toMatchObject({ received: 3900, duplicated: 0, corrupt: 0 });
    const { stderr } = await mcrd.stop();
    const finals = [...stderr.matchAll(/^\[Worker \d+\] .*\[STATS:(Ingress|Egress) FINAL\] total: (.*)$/gm)];
    expect(finals.map(([, side]) => side)).toEqual(["Ingress", "Egress"]);
    expect(finals[0]?.[2]).toMatch(/^recv=\d+ matched=3900 egr_sent=3900 filtered=\d+ no_match=0 buf_exhaust=0$/);
    expect(finals[1]?.[2]).toMatch(/^sent=3900 submitted=3900 ch_recv=3900 errors=0 bytes=\d+$/);
  }, 60_000);

  test("tells its progress once a second; --quiet tells nothing", async () => {
    const long = await mcrgen(...to, "--rate", "1000", "--count", "1500");
    expect(long.stdout).toMatch(/^Progress: \d+ sent, \d+ pps \(0\.\d\d Gbps\), 0 errors$/m);
    expect(await mcrgen(...to, "--count", "10", "-q")).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
  }, 30_000);

  test("--payload is cut and filled to --size", async () => {
    const listener = lab.spawn("gen", ["python3", "-c", listen]);
    await listener.says("bound");
    const unicast = ["--group", "10.0.1.1", "--port", "5999", "--interface", "10.0.1.1", "--count", "1"];
    await mcrgen(...unicast, "--payload", "hello", "--size", "8");
    await mcrgen(...unicast, "--payload", "hello", "--size", "3");
    await listener.says("b'hello\\x00\\x00\\x00'\nb'hel'\n");
  }, 30_000);

  test.each([
    [["--size", "0"], 1, "Configuration error: "],
    [["--size", "65508"], 1, "Configuration error: "],
    [["--rate", "0"], 1, "Configuration error: "],
    [["--batch", "0"], 1, "Configuration error: "],
    [["--mode", "burst", "--rate", "0", "--count", "1"], 0, ""],
    [["--mode", "fast"], 2, "error: invalid value 'fast'"],
  ])("%j ends with %d", async (args, exitCode, said) => {
    const ended = await mcrgen(...to, ...args);
    expect({ ...ended, stdout: "" }).toEqual({
      exitCode,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`^${said}`)),
    });
  });

  test("port 0, an address that nobody has, and an interface's name are refused", async () => {
    const at = (port: string, from: string) => mcrgen("--group", "239.1.1.1", "--port", port, "--interface", from);
    expect(await at("0", "10.0.1.1")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Configuration error/),
    });
    expect(await at("5000", "10.99.9.9")).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^Error: /) });
    expect(await at("5000", "out0")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("IPv4") });
  });
});

const listen = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.0.1.1", 5999)); print("bound", flush=True)
while True: print(s.recv(99), flush=True)
`;
