// The form of Prometheus' page: families of samples as text (format 0.0.4). What stands on it is decided in exposition.ts.

/** What tells one sample of a family from another. */
export type Labels = Readonly<Record<string, string | number>>;
type Kind = "counter" | "gauge" | "histogram";

/** Families of samples in the order they were begun. Two samples with the same labels (a rule with the same output twice) add up. */
export class Exposition {
  private readonly lines: string[] = [];

  family(name: string, kind: Kind, help: string, samples: Iterable<readonly [Labels, number, suffix?: string]>): void {
    const values = new Map<string, number>();
    for (const [labels, value, suffix = ""] of samples) {
      const key = `mcr_${name}${suffix}${labelText(labels)}`;
      values.set(key, (values.get(key) ?? 0) + value);
    }
    if (values.size > 0) {
      this.lines.push(`# HELP mcr_${name} ${help}`, `# TYPE mcr_${name} ${kind}`);
      this.lines.push(...[...values].map(([key, value]) => `${key} ${value}`));
    }
  }

  /** A family of the names that all processes share. */
  process(name: string, kind: Kind, help: string, value: number): void {
    this.lines.push(`# HELP process_${name} ${help}`, `# TYPE process_${name} ${kind}`, `process_${name} ${value}`);
  }

  text(): string {
    return `${this.lines.join("\n")}\n`;
  }
}

/** `{rule="a",reason="b"}`; backslash, quote and line end escaped. */
function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = String(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
