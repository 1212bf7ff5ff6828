import { expect, test } from "bun:test";
import { bucketCount, bucketOf } from "../../src/base/buckets.ts";
import { downExposition, exposition } from "../../src/control/exposition.ts";
import { type Status, statusSchema } from "../../src/control/status.ts";
import { respond } from "../../src/supervise/stats/metrics.ts";

const buckets = new Array<number>(bucketCount).fill(0);
buckets[bucketOf(5)] = 2;
buckets[bucketOf(100)] = 3;
buckets[bucketCount - 1] = 1;

const output = {
  group: "239.2.2.2",
  port: 5001,
  interface: "eth1",
  datagrams_sent: 9,
  bytes_sent: 900,
  datagrams_failed: 1,
  datagrams_dropped: 2,
  datagrams_per_second: 0,
  bits_per_second: 0,
  failures: { ENOBUFS: 4 },
  drops: { full: 2 },
};

function statusWith(state: "running" | "restarting"): Status {
  const rejoin = { reports: 4, failed: 1 };
  const frames = { received: 12, matched: 10, no_match: 2, kernel_drops: 0, queue_pauses: 0, refusals: { vlan: 3 } };
  return statusSchema.parse({
    program_version: "9.9.9",
    uptime_seconds: 60,
    pipeline: "unified",
    supervisor: { pid: 1, rss_bytes: 1000, private_bytes: 1 },
    rules: [
      {
        rule_id: "r1",
        name: 'a "quoted" \\ name\nof two lines',
        input_interface: "eth0",
        input_group: "239.1.1.1",
        input_port: 5000,
        input_protocol: 17,
        source: "Static",
        state: "active",
        datagrams: 10,
        bytes: 1000,
        datagrams_per_second: 0,
        bits_per_second: 0,
        last_seen_seconds: 5,
        outputs: [output, output],
      },
    ],
    workers: [
      {
        pid: 2,
        core: 0,
        state,
        restarts: 1,
        rss_bytes: 1,
        private_bytes: 1,
        ring_bytes: 1,
        queue: { length: 0, length_max: 0, capacity: 1 },
        wakeups_written: 0,
        wakeups_avoided: 0,
        frames,
        latency_buckets: buckets,
        latency_sum_us: 1_000_000,
      },
    ],
    links: [{ name: "eth0", state: "up", memberships: 1, inputs: 1, outputs: 0, kernel_drops: 7, rejoin }],
    frames,
  });
}

const page = exposition(statusWith("running"), 1_000_000).split("\n");

test("a label is escaped: backslash, quote and line end", () => {
  expect(page).toContain(
    'mcr_rule_datagrams_total{rule="r1",name="a \\"quoted\\" \\\\ name\\nof two lines",interface="eth0"} 10',
  );
});

test("the same output twice is one series, or Prometheus would refuse the whole page", () => {
  const series = page
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.slice(0, line.lastIndexOf(" ")));
  expect(new Set(series).size).toBe(series.length);
  expect(page.find((line) => line.startsWith("mcr_output_datagrams_total"))).toEndWith(" 18");
});

test("a moment is seconds since 1970, and what never happened is absent", () => {
  expect(page.find((line) => line.startsWith("mcr_rule_last_datagram_timestamp_seconds"))).toEndWith(" 999995");
  expect(page.some((line) => line.startsWith("mcr_rule_missed"))).toBe(false);
});

test("every refusal has a series from the start, so that its rate is known when it first happens", () => {
  const refused = page.filter((line) => line.startsWith("mcr_frames_refused_total"));
  expect(refused).toContain('mcr_frames_refused_total{reason="vlan"} 3');
  expect(refused).toContain('mcr_frames_refused_total{reason="fragment"} 0');
});

test("what keeps memberships alive is counted for each interface, and what is odd for each rule", () => {
  expect(page).toContain('mcr_interface_membership_reports_total{interface="eth0"} 4');
  expect(page.find((line) => line.startsWith("mcr_rule_warnings{"))).toEndWith(" 0");
});

test("a relay that does not answer has one number", () => {
  expect(
    downExposition()
      .split("\n")
      .filter((line) => !line.startsWith("#")),
  ).toEqual(["mcr_up 0", ""]);
});

test("latency buckets are in seconds and add up to the count", () => {
  const bucket = (le: string) =>
    page
      .find((line) => line.includes(`le="${le}"`))
      ?.split(" ")
      .at(-1);
  expect([bucket("0.000008"), bucket("0.000064"), bucket("0.000128"), bucket("+Inf")]).toEqual(["2", "2", "5", "6"]);
  expect(page).toContain('mcr_latency_seconds_sum{worker="0"} 1');
  expect(page).toContain('mcr_latency_seconds_count{worker="0"} 6');
});

test("ready means that every worker runs; healthy only that somebody answers", async () => {
  const ask = (path: string, state: "running" | "restarting") =>
    respond({ method: "GET", url: path }, () => statusWith(state));
  expect([ask("/readyz", "running").status, ask("/readyz", "restarting").status]).toEqual([200, 503]);
  expect(await ask("/readyz", "restarting").text()).toContain("worker on core 0 is restarting");
  expect([ask("/healthz", "restarting").status, ask("/", "running").status]).toEqual([200, 404]);
  expect(ask("/metrics", "running").headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
  expect(respond({ method: "POST", url: "/metrics" }, () => statusWith("running")).status).toBe(405);
});
