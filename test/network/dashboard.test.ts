// What is shipped for Prometheus, in a real Prometheus that reads a relay with traffic, a loss and a death: every panel of the dashboard
// has something to show, every alert rule is evaluated, and the dashboard has what Grafana asks of its JSON.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { patternPayload, udpFrame } from "../helpers/frames.ts";
import { rawsend } from "../helpers/rawsend.ts";
import { Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("dashboard");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const shipped = join(import.meta.dir, "../../appliance/prometheus");
const source = z.object({ type: z.literal("prometheus"), uid: z.templateLiteral(["$", "{datasource}"]) });
const target = z.object({ refId: z.string(), datasource: source, expr: z.string(), legendFormat: z.string() });
const side = z.number().int().nonnegative();
/** As Grafana's own schema has it for what we use: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model. */
const dashboardSchema = z.object({
  uid: z.string().max(40),
  title: z.string().min(1),
  schemaVersion: z.number().min(36),
  panels: z.array(
    z.object({
      id: z.number().int().positive(),
      type: z.enum(["stat", "timeseries"]),
      title: z.string().min(1),
      datasource: source,
      gridPos: z.object({ x: side, y: side, w: side, h: side }),
      fieldConfig: z.object({ defaults: z.object({ unit: z.enum(["none", "pps", "bps", "s", "percentunit"]) }) }),
      targets: z.array(target).min(1),
    }),
  ),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string(), query: z.unknown() })) }),
});

const dashboard = dashboardSchema.parse(JSON.parse(readFileSync(join(shipped, "dashboard.json"), "utf8")));
const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

test("the dashboard's panels have numbers of their own, lie beside each other, and use variables that are there", () => {
  const { panels, templating } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  for (const { targets } of panels) expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
  const known = new Set([...templating.list.map(({ name }) => name), "__rate_interval"]);
  const used = JSON.stringify([panels, templating]).matchAll(/\$\{?(\w+)\}?/g);
  for (const [, name = ""] of used) expect(known).toContain(name);
});

const prometheus = "http://127.0.0.1:9490";
const flow = { source: "10.0.1.1", destination: "239.1.1.1", sourcePort: 4000, destinationPort: 5000 };

function ask(expr: string): string {
  return lab.exec("relay", ["promtool", "query", "instant", prometheus, expr]).stdout.trim();
}

/** As Grafana fills it in with everything chosen. */
function filled(expr: string): string {
  return expr.replaceAll("$instance", ".*").replaceAll("$rule", ".*").replaceAll("$__rate_interval", "10s");
}

beforeAll(() => {
  const config = {
    global: { scrape_interval: "250ms", evaluation_interval: "500ms" },
    scrape_configs: [{ job_name: "mcr", static_configs: [{ targets: ["127.0.0.1:9470"] }] }],
    rule_files: [join(shipped, "alerts.yml")],
  };
  mkdirSync(join(lab.dir, "tsdb"));
  // YAML holds JSON.
  writeFileSync(join(lab.dir, "prometheus.yml"), JSON.stringify(config));
});

test("on a live relay every query of the dashboard finds something, and every alert rule is evaluated", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1", "--metrics", "9470"]);
  const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 };
  const outputs = [
    { group: "239.2.2.2", port: 5001, interface: "out0" },
    { group: "239.3.3.3", port: 5001, interface: "out7" },
  ];
  await relay.must({ AddRule: { name: "feed", ...input, outputs } });
  const server = lab.spawn("relay", [
    "prometheus",
    `--config.file=${join(lab.dir, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(lab.dir, "tsdb")}`,
    "--web.listen-address=127.0.0.1:9490",
  ]);
  await server.says("Server is ready to receive web requests", "stderr", 20_000);
  const stream = new Stream(lab, "gen", [
    "--group",
    "239.1.1.1",
    "--port",
    "5000",
    "--interface",
    "out0",
    "--rate",
    "2k",
  ]);
  const broken = udpFrame(flow, patternPayload(100), { udp: { checksum: "wrong" } });
  const [pid = 0] = relay.workerPids();
  const found = await until(
    "every query finds something",
    () => {
      rawsend(lab, "gen", "out0", [broken]);
      return queries.filter(([, expr]) => ask(filled(expr)) === "").map(([title, expr]) => `${title}: ${expr}`);
    },
    (silent) => silent.length === 0,
    { deadlineMs: 40_000, everyMs: 500 },
  );
  expect(found).toEqual([]);
  // Numbers, not only series.
  expect(Number(/=> ([\d.]+) @/.exec(ask("sum(rate(mcr_rule_datagrams_total[10s]))"))?.[1])).toBeGreaterThan(100);
  process.kill(pid, "SIGKILL");
  await until("a new worker", async () => (await statusOf(relay)).workers[0]?.restarts === 1);
  await until("the restart is known", () => ask("mcr_worker_restarts_total == 1") !== "", Boolean, { everyMs: 250 });
  const rules = lab.exec("relay", [
    "bash",
    "-c",
    `exec 3<>/dev/tcp/127.0.0.1/9490; printf 'GET /api/v1/rules HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`,
  ]);
  const told = JSON.parse(rules.stdout.slice(rules.stdout.indexOf("\r\n\r\n") + 4));
  const states = z
    .object({
      data: z.object({
        groups: z.array(
          z.object({ rules: z.array(z.object({ name: z.string(), health: z.string(), state: z.string() })) }),
        ),
      }),
    })
    .parse(told)
    .data.groups.flatMap((group) => group.rules);
  expect(states.filter(({ health }) => health !== "ok")).toEqual([]);
  // The output without a link waits, and an alert for it is on its way.
  expect(states.find(({ name }) => name === "McrOutputPending")?.state).toBe("pending");
  await stream.finished();
  // Not where promptness is tested: Prometheus shares the two cores.
  await relay.stop(3000);
}, 90_000);
