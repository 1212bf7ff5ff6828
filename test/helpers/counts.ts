// Counts tests from the JUnit report of `bun test`. What ended without a report, or left a file out of it, has failed.

/** How many passed; the others as "file: name". What failed outside of a test says so instead of a name. */
export type Counts = { passed: number; failed: string[]; skipped: string[] };

type Case = { name: string; file: string; outcome: "passed" | "failed" | "skipped" };

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: [...a.failed, ...b.failed],
    skipped: [...a.skipped, ...b.skipped],
  };
}

/** "3 passed, 0 failed", and ", 2 skipped" when there are any. */
export function summary({ passed, failed, skipped }: Counts): string {
  const skips = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
  return `${passed} passed, ${failed.length} failed${skips}`;
}

/** Counts one run over `files`, by its report (may be empty) and its exit code (null: killed). */
export function countsOf(report: string, exitCode: number | null, files: readonly string[]): Counts {
  const cases = casesOf(report);
  const namesOf = (wanted: Case["outcome"]) =>
    cases.filter(({ outcome }) => outcome === wanted).map(({ name, file }) => `${file}: ${name}`);
  const failures = namesOf("failed");
  const reported = new Set(cases.map(({ file }) => file));
  const silent = files.filter((file) => !reported.has(file)).map((file) => `${file}: no test of it reported`);
  // An error between two tests has no place in the report; the exit code knows it.
  const isUnexplained = exitCode !== 0 && failures.length === 0 && silent.length === 0;
  const outside = isUnexplained ? [`${files.join(" ")}: outside of a test (exit code ${exitCode})`] : silent;
  return { passed: namesOf("passed").length, failed: [...failures, ...outside], skipped: namesOf("skipped") };
}

function casesOf(report: string): Case[] {
  return [...report.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = "", body = ""]) => ({
      name: attribute(attributes, "name"),
      file: attribute(attributes, "file"),
      outcome: outcomeOf(body),
    }),
  );
}

function outcomeOf(body: string): Case["outcome"] {
  if (/<(failure|error)\b/.test(body)) return "failed";
  return body.includes("<skipped") ? "skipped" : "passed";
}

function attribute(attributes: string, key: string): string {
  const escaped = new RegExp(`(?:^| )${key}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  const characters: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return escaped.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => characters[name] ?? "");
}
