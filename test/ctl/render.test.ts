import { describe, expect, test } from "bun:test";
import { type Status, statusSchema } from "../../src/control/status.ts";
import { renderExplanation } from "../../src/ctl/explain.ts";
import { renderRules } from "../../src/ctl/list.ts";
import { renderAccounts } from "../../src/ctl/stats.ts";
import { renderStats } from "../../src/ctl/stats-table.ts";
import { renderStatus } from "../../src/ctl/status.ts";
import { table } from "../../src/ctl/table.ts";
import { bits, bytes, count, duration, rate } from "../../src/ctl/units.ts";
import { renderWorkers } from "../../src/ctl/workers.ts";

const frames = {
  received: 1_234_567,
  matched: 1_234_000,
  no_match: 500,
  kernel_drops: 60,
  queue_pauses: 0,
  refusals: { fragment: 7, vlan: 0 },
};

const status: Status = statusSchema.parse({
  program_version: "0.1.0",
  uptime_seconds: 3_725,
  pipeline: "split",
  io: { kind: "ppoll", reason: "io_uring is not available (EPERM). A profile forbids it." },
  supervisor: { pid: 100, rss_bytes: 40 * 1024 * 1024, private_bytes: 9_000_000 },
  frames,
  rules: [
    {
      rule_id: "18302982b59d5f86",
      name: "feed-a",
      input_interface: "eth0",
      input_group: "239.1.1.1",
      input_port: 5000,
      input_protocol: 17,
      source: "Dynamic",
      state: "active",
      datagrams: 1_234_000,
      bytes: 1_727_600_000,
      datagrams_per_second: 20_000,
      bits_per_second: 224_000_000,
      outputs: [
        {
          group: "239.2.2.2",
          port: 5001,
          interface: "eth1",
          ttl: 1,
          datagrams_sent: 1_233_990,
          bytes_sent: 1_727_586_000,
          datagrams_failed: 10,
          datagrams_dropped: 0,
          datagrams_per_second: 20_000,
          bits_per_second: 224_000_000,
          failures: { ENOBUFS: 10 },
        },
      ],
    },
  ],
  workers: [
    {
      pid: 101,
      io: "ppoll",
      core: 0,
      state: "running",
      restarts: 0,
      rss_bytes: 53 * 1024 * 1024,
      private_bytes: 20 * 1024 * 1024,
      ring_bytes: 16 * 1024 * 1024,
      queue: { length: 3, length_max: 900, capacity: 8192 },
      wakeups_written: 10,
      wakeups_avoided: 2_000,
      frames,
    },
  ],
  links: [
    {
      name: "eth0",
      index: 2,
      state: "up",
      address: "10.0.0.1",
      memberships: 1,
      inputs: 1,
      outputs: 0,
      kernel_drops: 60,
    },
  ],
});

describe("tables", () => {
  test("align, count wide characters as wide, and end without blanks", () => {
    const text = table(
      [{ head: "A" }, { head: "N", align: "right" }, { head: "B" }],
      [
        ["東京", "1", ""],
        ["x", "1,000", "y"],
      ],
    );
    expect(text).toBe(["A         N  B", "東京      1", "x     1,000  y"].join("\n"));
  });

  test("do not let a name from outside move the cursor", () => {
    expect(table([{ head: "A" }], [["\u001b[2J"]])).toBe("A\n\\u001b[2J");
  });

  test("of rules have a line for each output and say what is pending and why", () => {
    const text = renderRules([
      {
        rule_id: "18302982b59d5f86",
        name: "feed-a",
        input_interface: "eth0",
        input_group: "239.1.1.1",
        input_port: 5000,
        input_protocol: 17,
        outputs: [
          { group: "239.2.2.2", port: 5001, interface: "eth1", effective_ttl: 1 },
          {
            group: "10.0.0.7",
            port: 6000,
            interface: "eth2",
            ttl: 64,
            source_ip: "10.0.0.9",
            pending: "eth2 has no address",
          },
        ],
        source: "Dynamic",
        state: "active",
      },
      {
        rule_id: "esp",
        input_interface: "eth7",
        input_group: "239.255.0.100",
        input_port: 0,
        input_protocol: 50,
        outputs: [],
        source: "Static",
        state: "pending",
        reason: "there is no interface eth7",
      },
    ]);
    expect(text).toBe(
      [
        "ID                NAME    INPUT                     OUTPUT                               TTL  STATE",
        "18302982b59d5f86  feed-a  eth0 239.1.1.1:5000       -> eth1 239.2.2.2:5001                 1  active",
        "                                                    -> eth2 10.0.0.7:6000 from 10.0.0.9   64  output pending: eth2 has no address",
        "esp               -       eth7 239.255.0.100 (ESP)  (no outputs)                              pending: there is no interface eth7",
        "",
        "2 rules, 1 pending",
      ].join("\n"),
    );
  });

  test("of MCR's own rules, which carry no state, can be shown", () => {
    const bare = {
      rule_id: "x",
      input_interface: "a",
      input_group: "g",
      input_port: 1,
      input_protocol: 17,
      source: { Pim: {} },
    };
    expect(renderRules([{ ...bare, outputs: [{ group: "g", port: 1, interface: "b" }] }])).toContain(
      "-> b g:1    -  active",
    );
  });

  test("of no rules say how to add one", () => {
    expect(renderRules([])).toContain("help add");
  });

  test("of statistics show in, out, failures by name, and where frames went", () => {
    expect(renderStats(status)).toBe(
      [
        "RULE    FLOW                    DATAGRAMS    BYTES      RATE        BITS  LAST  FAILED  DROPPED  STATE",
        "feed-a  eth0 239.1.1.1:5000     1,234,000  1.6 GiB  20,000/s  224.0 Mb/s     -                   active",
        "        -> eth1 239.2.2.2:5001  1,233,990  1.6 GiB  20,000/s  224.0 Mb/s     -      10        0  ENOBUFS 10",
        "",
        "frames: 1,234,567 received, 1,234,000 matched, 500 without a rule",
        "lost:   60 in the kernel (capture ring full)",
        "refused: fragment 7",
        "",
        "WORKER  CPU  QUEUE MAX  PAUSES  BATCH  WAKEUPS  AVOIDED  STALL  P50  P99  P99.9  MAX  SEND ERRORS",
        "     0  0 %        900       0      -       10    2,000   0 µs    -    -      -    -",
        "",
        "LINK  FRAMES  KERNEL DROPS  TAGGED",
        "eth0       0            60       0",
      ].join("\n"),
    );
  });

  test("of sums say by how much one does not hold", () => {
    const account = {
      worker: 0,
      name: "frames",
      whole: "received",
      total: 12,
      parts: { matched: 10, no_match: 1 },
      tolerance: 0,
    };
    const text = renderAccounts([
      { ...account, difference: 1, holds: false },
      { ...account, difference: 0, holds: true },
    ]);
    expect(text).toContain("12 received  = 10 matched + 1 no match  DOES NOT HOLD: 1 unaccounted for");
    expect(text).toEndWith("holds");
  });

  test("of an explanation have the evidence under each verdict", () => {
    const text = renderExplanation({
      rule_id: "r1",
      name: "feed",
      input: "eth0 239.1.1.1:5000",
      findings: [
        {
          verdict: "other_port",
          text: "for port 6000",
          evidence: [
            { name: "without a rule", value: 1500, age_seconds: 0.25 },
            { name: "last port", value: "6000" },
          ],
        },
      ],
    });
    expect(text).toBe(
      [
        "feed (r1): eth0 239.1.1.1:5000",
        "",
        "other port: for port 6000",
        "    without a rule  1,500  0.3 s ago",
        "    last port        6000",
      ].join("\n"),
    );
  });

  test("of workers show memory with units and the supervisor below", () => {
    const text = renderWorkers(status);
    expect(text).toContain("101     0  running  ppoll  53.0 MiB  20.0 MiB  16.0 MiB  3/900/8,192");
    expect(text).toEndWith("supervisor: pid 100, RSS 40.0 MiB, private 8.6 MiB");
  });

  test("of the whole sum up rules, workers and links", () => {
    const text = renderStatus(status);
    expect(text).toContain("mcr-appliance 0.1.0, up 1 h 2 min, pid 100");
    expect(text).toContain("workers: 1 of 1 running, pipeline split, ppoll, RSS of all 93.0 MiB");
    expect(text).toContain("\nio:      io_uring is not available (EPERM). A profile forbids it.\n");
    expect(text).toContain("in:      20,000/s, 224.0 Mb/s");
    expect(text).toContain("eth0  up     10.0.0.1");
  });
});

describe("units", () => {
  test("group thousands and scale where people expect it", () => {
    expect([count(0), count(1_234_567)]).toEqual(["0", "1,234,567"]);
    expect([rate(0), rate(0.25), rate(9.96), rate(12_345.6)]).toEqual(["0/s", "0.3/s", "10.0/s", "12,346/s"]);
    expect([bytes(0), bytes(1023), bytes(1024), bytes(1536 * 1024)]).toEqual(["0 B", "1,023 B", "1.0 KiB", "1.5 MiB"]);
    expect([bits(999), bits(1000), bits(999_960), bits(5e15)]).toEqual([
      "999 b/s",
      "1.0 kb/s",
      "1.0 Mb/s",
      "5000.0 Tb/s",
    ]);
    expect([duration(0), duration(61), duration(3600), duration(90_000)]).toEqual([
      "0 s",
      "1 min 1 s",
      "1 h 0 min",
      "1 d 1 h",
    ]);
  });
});
