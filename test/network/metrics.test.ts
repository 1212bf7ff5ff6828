// The page that Prometheus reads, on a relay that works, under promtool's eyes; and the alert rules that are shipped with it.
import { afterAll, afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Relay } from "../helpers/relay.ts";
import { run, runAnyway } from "../helpers/run.ts";
import { settled } from "../helpers/status.ts";
import { bench, generate } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("metrics");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const alerts = join(import.meta.dir, "../../appliance/prometheus/alerts.yml");

/** One request from inside the relay's namespace. */
function get(path: string, method = "GET", address = "127.0.0.1", port = 9470): { status: number; body: string } {
  const request = `${method} ${path} HTTP/1.1\\r\\nHost: relay\\r\\nConnection: close\\r\\n\\r\\n`;
  const script = `exec 3<>/dev/tcp/${address}/${port}; printf '${request}' >&3; cat <&3`;
  const { stdout } = lab.exec("relay", ["bash", "-c", script]);
  const at = stdout.indexOf("\r\n\r\n");
  return { status: Number(stdout.split(" ")[1]), body: stdout.slice(at + 4) };
}

/** Value of a sample, by its text up to the value. */
function sample(page: string, name: string): number {
  const line = page.split("\n").find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no sample ${name} in:\n${page}`);
  return Number(line.slice(name.length + 1));
}

const labels = (more: string) => `{rule="r1",name="say \\"hi\\\\",${more}}`;

test("the page passes promtool, and says what happened", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--metrics", "9470"]);
  const input = ["--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000"];
  await relay.ctl(
    "add",
    "--name",
    'say "hi\\',
    "--rule-id",
    "r1",
    ...input,
    "--outputs",
    "239.2.2.2:5001:out0,239.3.3.3:5002:out7",
  );
  await generate(lab, "gen", [
    "--group",
    "239.1.1.1",
    "--port",
    "5000",
    "--interface",
    "out0",
    "--count",
    "1000",
    "--rate",
    "5k",
  ]);
  await settled(relay, 'say "hi\\');
  const { status, body } = get("/metrics");
  expect(status).toBe(200);
  const checked = run(["promtool", "check", "metrics"], body);
  expect(checked).toMatchObject({ stdout: "", stderr: "" });
  expect(sample(body, `mcr_rule_datagrams_total${labels('interface="in0"')}`)).toBe(1000);
  expect(sample(body, `mcr_output_datagrams_total${labels('output="239.2.2.2:5001",interface="out0"')}`)).toBe(1000);
  expect(sample(body, `mcr_output_pending${labels('output="239.3.3.3:5002",interface="out7"')}`)).toBe(1);
  expect(
    sample(
      body,
      `mcr_output_dropped_datagrams_total${labels('output="239.3.3.3:5002",interface="out7",reason="pending"')}`,
    ),
  ).toBe(1000);
  expect(sample(body, 'mcr_latency_seconds_bucket{worker="0",le="+Inf"}')).toBeGreaterThan(0);
  expect(sample(body, 'mcr_frames_refused_total{reason="vlan"}')).toBe(0);
  // What a sender's address would do to a time series database.
  expect(body).not.toContain("10.0.1.1");
  await relay.stop();
});

test("the same page goes into a file for node_exporter in one step, and says so when nobody answers", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const path = join(lab.dir, "mcr.prom");
  const write = async () => (await relay.tryCtl("metrics", "--textfile", path)).exitCode;
  expect(await write()).toBe(0);
  const page = readFileSync(path, "utf8");
  expect(run(["promtool", "check", "metrics"], page)).toMatchObject({ stdout: "", stderr: "" });
  expect([sample(page, "mcr_up"), sample(page, 'mcr_worker_up{worker="0"}')]).toEqual([1, 1]);
  expect((await relay.tryCtl("metrics")).stdout).toContain("mcr_up 1\n");
  const { exitCode, stderr } = await relay.tryCtl("metrics", "--textfile", join(lab.dir, "mcr.txt"));
  expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: expect.stringContaining("end in .prom") });
  await relay.stop();
  // Numbers that stand still would look like a relay at rest.
  expect(await write()).toBe(69);
  const down = readFileSync(path, "utf8");
  expect(down.split("\n").filter((line) => !line.startsWith("#"))).toEqual(["mcr_up 0", ""]);
  expect(readdirSync(lab.dir).filter((name) => name.startsWith("mcr."))).toEqual(["mcr.prom"]);
});

test("a page with an error in it is refused by promtool, so that the test above can fail", () => {
  expect(runAnyway(["promtool", "check", "metrics"], 'mcr_x{a="b} 1\n').exitCode).not.toBe(0);
});

test("/healthz and /readyz tell a supervisor that lives from a relay that works", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--metrics", "9470"]);
  expect(get("/healthz")).toEqual({ status: 200, body: "ok\n" });
  expect(get("/readyz")).toEqual({ status: 200, body: "ready\n" });
  expect(get("/").status).toBe(404);
  expect(get("/metrics", "POST").status).toBe(405);
  await until(
    "a moment without a worker is seen",
    () => {
      for (const pid of relay.workerPids()) process.kill(pid, "SIGKILL");
      return { ready: get("/readyz").status, healthy: get("/healthz").status };
    },
    ({ ready, healthy }) => ready === 503 && healthy === 200,
    { deadlineMs: 20_000, everyMs: 50 },
  );
  await relay.stop();
});

test("it is off unless asked for, for this machine alone unless an address is given, and a taken port is refused", async () => {
  const silent = await Relay.start(lab, "relay", ["--workers", "1"]);
  const dial = (address: string) =>
    lab.execAnyway("relay", ["bash", "-c", `exec 3<>/dev/tcp/${address}/9470`]).exitCode;
  expect(dial("127.0.0.1")).not.toBe(0);
  await silent.stop();
  const local = await Relay.start(lab, "relay", ["--workers", "1", "--metrics", "9470"]);
  expect([dial("127.0.0.1"), dial("10.0.2.1")]).toEqual([0, 1]);
  const second = Relay.launch(lab, "relay", ["--workers", "1", "--metrics", "9470"]);
  const { exitCode, stderr } = await second.finish(10_000);
  expect({ exitCode, stderr }).toEqual({ exitCode: 71, stderr: expect.stringContaining("--metrics 127.0.0.1:9470") });
  await local.stop();
  const open = await Relay.start(lab, "relay", ["--workers", "1", "--metrics", "10.0.2.1:9470"]);
  expect([dial("127.0.0.1"), dial("10.0.2.1")]).toEqual([1, 0]);
  await open.stop();
});

test("the alert rules are right, fire when they should, and are silent beside a relay that is well", () => {
  run(["promtool", "check", "rules", alerts]);
  run(["promtool", "test", "rules", alerts.replace(".yml", ".test.yml")]);
});
