// The tables for people, in Markdown: medians over rounds, ratios against the yardstick. Pure.
import type { BenchResult, Taken } from "./bench.ts";
import { median, written } from "./metrics.ts";

/** How a contender is called, in the order of the rows. */
export type Row = { name: string; title: string };

/** `ratio`: written behind the value, against the yardstick's. */
type Column = { head: string; metrics: readonly string[]; ratio?: boolean };
type Table = { caption: string; columns: readonly Column[]; ownOnly?: boolean };

const ownKind = "own-";

/** Medians of one contender's metrics. */
export class Medians {
  readonly #values = new Map<string, number[]>();

  constructor(taken: readonly Taken[]) {
    for (const { contender, sample } of taken) {
      for (const [metric, value] of Object.entries(sample)) {
        const key = `${contender} ${metric}`;
        this.#values.set(key, [...(this.#values.get(key) ?? []), value]);
      }
    }
  }

  of(contender: string, metric: string): number | undefined {
    const values = this.#values.get(`${contender} ${metric}`);
    return values === undefined ? undefined : median(values);
  }

  /** Whether the generator was the limit in at least half of the rounds. */
  isLimited(contender: string, metric: string): boolean {
    const limited = this.#values.get(`${contender} ${metric}_limited`)?.length ?? 0;
    return limited > 0 && 2 * limited >= (this.#values.get(`${contender} ${metric}`)?.length ?? 0);
  }
}

function tables(sizes: readonly number[]): Table[] {
  const rates = sizes.map((size) => ({ head: `${size} B`, metrics: [`rate_${size}`], ratio: true }));
  return [
    {
      caption:
        "Highest rate with at most 0.1 % loss, one flow to one output (`+`: the generator was the limit, nothing was lost)",
      columns: [...rates, { head: "1400 B, receive steered to CPU 1", metrics: ["rate_steered"], ratio: true }],
    },
    {
      caption: "Latency at 20,000/s evenly spaced, 1400 B",
      columns: [
        { head: "p50", metrics: ["latency_p50"], ratio: true },
        { head: "p99", metrics: ["latency_p99"], ratio: true },
        { head: "p99.9", metrics: ["latency_p999"], ratio: true },
        { head: "lost", metrics: ["latency_loss"] },
      ],
    },
    {
      caption: "CPU time per datagram at 200,000/s, 1400 B",
      columns: [
        { head: "relay", metrics: ["cpu_relay_ns"], ratio: true },
        { head: "receive path", metrics: ["cpu_receive_ns"] },
        { head: "lost", metrics: ["cpu_loss"] },
        { head: "in user space at full rate (perf)", metrics: ["full_user_share"] },
        { head: "memory RSS, PSS", metrics: ["memory_rss", "memory_pss"] },
      ],
    },
    {
      caption: "Fan-out, 1400 B",
      columns: [
        { head: "3 outputs, unlimited input: out", metrics: ["fanout3_out"], ratio: true },
        { head: "3 outputs, ≤ 0.1 % loss: out", metrics: ["fanout3_rate"], ratio: true },
        { head: "3 outputs, 50,000/s in: CPU", metrics: ["three_share"], ratio: true },
        { head: "50 outputs, 10,000/s in: out, lost", metrics: ["fanout50_10000_out", "fanout50_10000_loss"] },
        { head: "50 outputs, 20,000/s in: out, lost", metrics: ["fanout50_20000_out", "fanout50_20000_loss"] },
      ],
    },
    {
      caption: "50 flows of 5 Mbit/s, 1316 B",
      columns: [
        { head: "lost", metrics: ["flows_loss"] },
        { head: "late", metrics: ["flows_late"] },
        { head: "p99", metrics: ["flows_p99"], ratio: true },
        { head: "CPU", metrics: ["flows_share"], ratio: true },
      ],
    },
    {
      caption: "This relay alone: rules, wakeups, workers",
      ownOnly: true,
      columns: [
        ...["1", "100", "10000"].map((rules) => ({
          head: `${rules} rule(s): rate; CPU at 200,000/s, relay and receive path`,
          metrics: [`rules_${rules}`, `rules_${rules}_relay_ns`, `rules_${rules}_receive_ns`],
        })),
        { head: "eventfd writes per datagram at 200,000/s", metrics: ["cpu_wakeups"] },
        { head: "at full rate", metrics: ["full_wakeups"] },
        { head: "two workers", metrics: ["workers_2"] },
      ],
    },
    {
      caption:
        "Random bursts with pauses of 40 ms, 256 B (stranded: in the queue while egress slept and nobody had woken it)",
      ownOnly: true,
      columns: [
        { head: "sent", metrics: ["stress_sent"] },
        { head: "lost", metrics: ["stress_lost"] },
        { head: "out of order", metrics: ["stress_late"] },
        { head: "wakeups", metrics: ["stress_woken"] },
        { head: "stranded", metrics: ["stress_stranded"] },
        { head: "over 1 ms", metrics: ["stress_over_1ms"] },
        { head: "over 20 ms", metrics: ["stress_over_20ms"] },
        { head: "longest, µs", metrics: ["stress_max"] },
      ],
    },
  ];
}

function cell(medians: Medians, row: Row, column: Column, yardstick: string): string {
  const parts = column.metrics.map((metric) => {
    const value = medians.of(row.name, metric);
    if (value === undefined) return "";
    const base = column.ratio === true && row.name !== yardstick ? medians.of(yardstick, metric) : undefined;
    const plus = medians.isLimited(row.name, metric) ? "+" : "";
    const ratio = base === undefined || base === 0 ? "" : ` (${(value / base).toFixed(2)}×)`;
    return `${written(metric, value)}${plus}${ratio}`;
  });
  return parts.filter(Boolean).join(", ");
}

function render(table: Table, medians: Medians, rows: readonly Row[], yardstick: string): string {
  const lines = rows
    .filter(({ name }) => table.ownOnly !== true || name.startsWith(ownKind))
    .map((row) => ({ row, cells: table.columns.map((column) => cell(medians, row, column, yardstick)) }))
    .filter(({ cells }) => cells.some(Boolean));
  if (lines.length === 0) return "";
  // A column that nobody has a value for was not measured.
  const used = table.columns.map((_, index) => lines.some(({ cells }) => cells[index] !== ""));
  const write = (first: string, cells: readonly string[]) =>
    `| ${[first, ...cells.filter((_, index) => used[index])].join(" | ")} |`;
  const head = write(
    "",
    table.columns.map((column) => column.head),
  );
  const rule = write(
    "---",
    table.columns.map(() => "---:"),
  );
  const body = lines.map(({ row, cells }) => write(row.title, cells));
  return `**${table.caption}**\n\n${[head, rule, ...body].join("\n")}\n`;
}

/** All tables that have a value, then who was skipped and how quiet the machine was. Ratios are against `yardstick`. */
export function report(result: BenchResult, rows: readonly Row[], sizes: readonly number[], yardstick: string): string {
  const medians = new Medians(result.taken);
  const parts = tables(sizes).map((table) => render(table, medians, rows, yardstick));
  const foreign = median(result.taken.flatMap(({ sample }) => sample["foreign"] ?? []));
  const quiet = `${result.duration}. Other programs took ${written("foreign", foreign)} of one CPU meanwhile (median of all trials).`;
  const skipped = result.skipped.map((line) => `- not measured: ${line.split("\n")[0]}`);
  return [...parts.filter(Boolean), [quiet, "", ...skipped].join("\n")].join("\n");
}
