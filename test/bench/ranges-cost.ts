// What a datagram costs through one rule that maps 1,000 flows, against 1,000 rules of one flow each: in turns, on one relay.
// Usage: bun test/bench/ranges-cost.ts [ROUNDS] [RATE]    default 5 rounds each, at 60,000/s for two seconds; as root, after a build
import { readFileSync } from "node:fs";
import { binary, Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench } from "../helpers/traffic.ts";

const rounds = Number(process.argv[2] ?? "5");
const rate = Number(process.argv[3] ?? "60000");
const seconds = 2;
const flows = 1_000;

const one = {
  ...{ rule_id: "one", input_interface: "in0", input_group: "239.1.0.0/16", input_port: "5000-5999" },
  outputs: [{ group: "239.9.0.0/16", port: "+1000", interface: "out0" }],
};
const many = Array.from({ length: flows }, (_, at) => ({
  ...{ rule_id: `r${at}`, input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 + at },
  outputs: [{ group: "239.9.1.1", port: 6000 + at, interface: "out0" }],
}));
const ways = { "one rule": [one], "1,000 rules": many } as const;

/** Nanoseconds a datagram: of the worker, and of soft interrupts on all CPUs (whatever else runs on this machine, too). */
type Cost = { worker: number; softirq: number };

/** The seventh number of the first line is softirq time in hundredths of a second; proc_stat(5). */
function softirqSeconds(): number {
  return Number(readFileSync("/proc/stat", "utf8").split(/\s+/, 8)[7]) / 100;
}

const lab = bench("ranges-cost");
try {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  const worker = async () => {
    const { workers, rules } = await statusOf(relay);
    const sent = rules.reduce((sum, rule) => sum + rule.outputs.reduce((all, each) => all + each.datagrams_sent, 0), 0);
    return { cpu: workers[0]?.cpu_seconds ?? 0, core: workers[0]?.core ?? 0, sent };
  };
  const measure = async (): Promise<Cost> => {
    const before = await worker();
    const softirq = softirqSeconds();
    const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--flows", `${flows}`];
    const pace = ["--rate", `${rate}`, "--size", "300", "--count", `${rate * seconds}`, "--quiet"];
    const core = String(before.core === 0 ? 1 : 0);
    await lab.spawn("gen", ["taskset", "-c", core, binary, "gen", ...stream, ...pace]).succeed(60_000);
    const after = await worker();
    const sent = after.sent - before.sent;
    if (sent < rate * seconds) process.stderr.write(`only ${sent} of ${rate * seconds} went out\n`);
    const of = (spent: number) => (spent * 1e9) / sent;
    return { worker: of(after.cpu - before.cpu), softirq: of(softirqSeconds() - softirq) };
  };
  const costs: Record<keyof typeof ways, Cost[]> = { "one rule": [], "1,000 rules": [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, rules] of Object.entries(ways) as [keyof typeof ways, readonly object[]][]) {
      await relay.must({ Batch: { changes: rules.map((AddRule) => ({ AddRule })) } });
      costs[name].push(await measure());
      await relay.must({ Batch: { changes: rules.map((rule) => ({ RemoveRule: { rule_id: idOf(rule) } })) } });
    }
  }
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  for (const field of ["worker", "softirq"] as const) {
    const [ranged, exact] = [costs["one rule"], costs["1,000 rules"]].map((all) =>
      median(all.map((each) => each[field])),
    );
    const spread = (all: readonly Cost[]) => all.map((each) => each[field].toFixed()).join(" ");
    process.stdout.write(
      `${field}: one rule ${ranged?.toFixed()} ns a datagram, 1,000 rules ${exact?.toFixed()}, ` +
        `ratio ${((ranged ?? 0) / (exact ?? 1)).toFixed(2)} (${spread(costs["one rule"])} | ${spread(costs["1,000 rules"])})\n`,
    );
  }
  await relay.stop(3_000);
} finally {
  lab.close();
}

function idOf(rule: object): string {
  return "rule_id" in rule ? String(rule.rule_id) : "";
}
