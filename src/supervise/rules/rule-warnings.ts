// What is odd about rules though they run, found by looking again and again: kept for lists, and told in the log when it begins and ends.

/** Is told of a warning that begins, and of one that ended. */
export type OnWarning = (level: "Warning" | "Info", message: string, fields: Record<string, string>) => void;

/** Warnings by rule, as of the last look. */
export class RuleWarnings {
  private readonly onNews: OnWarning;
  private byRule: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(onNews: OnWarning) {
    this.onNews = onNews;
  }

  /** In words; none when all is well. */
  of(ruleId: string): readonly string[] {
    return this.byRule.get(ruleId) ?? [];
  }

  /** From now on these are all there are, by rule id. */
  become(byRule: ReadonlyMap<string, readonly string[]>): void {
    const before = this.byRule;
    this.byRule = byRule;
    for (const [rule, texts] of byRule) {
      for (const text of texts.filter((each) => !before.get(rule)?.includes(each))) {
        this.onNews("Warning", text, { rule });
      }
    }
    for (const [rule, texts] of before) {
      for (const text of texts.filter((each) => !byRule.get(rule)?.includes(each))) {
        this.onNews("Info", `no longer so: ${text}`, { rule });
      }
    }
  }
}
