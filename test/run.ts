// Runs the tests and counts them. A process per folder, and per file in network/: a crash in native code then costs one part,
// not all. Ends with "N passed, N failed", and ", N skipped" when there are any; in CI a skip fails the run.
// Usage: bun test/run.ts [FILE OR FOLDER...]
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";
import { addCounts, type Counts, countsOf, summary } from "./helpers/counts.ts";

const root = join(import.meta.dir, "..");
const reports = mkdtempSync(join(tmpdir(), `mcrt-${process.pid}-reports-`));
// A network test waits for real timers of the kernel; its own deadlines are shorter.
/** What runs a second time in a run of everything: where a loop without io_uring could differ. */
const again = { env: { MCR_TEST_IO: "ppoll" }, files: ["frames", "links", "outputs"] };
const testWaitMs = { unit: 20_000, network: 120_000 };
const partWaitMs = 15 * 60_000;

type Part = { files: readonly string[]; env?: Readonly<Record<string, string>> };

function parts(wanted: readonly string[]): Part[] {
  const files = [...new Glob("test/**/*.test.ts").scanSync({ cwd: root })]
    .filter((file) =>
      wanted.length === 0 ? !file.startsWith("test/bench/") : wanted.some((name) => isWithin(file, name)),
    )
    .sort((a, b) => Number(isNetwork(a)) - Number(isNetwork(b)) || a.localeCompare(b));
  const once = [...Map.groupBy(files, (file) => (isNetwork(file) ? file : dirname(file))).values()];
  const twice = wanted.length === 0 ? again.files.map((name) => `test/network/${name}.test.ts`) : [];
  return [...once.map((each) => ({ files: each })), ...twice.map((file) => ({ files: [file], env: again.env }))];
}

function isNetwork(file: string): boolean {
  return file.startsWith("test/network/") || file.startsWith("test/bench/");
}

function isWithin(file: string, wanted: string): boolean {
  const name = normalize(wanted).replace(/\/$/, "");
  return file === name || file.startsWith(`${name}/`);
}

function runPart({ files, env }: Part, index: number): Counts {
  for (const [name, value] of Object.entries(env ?? {})) console.log(`again, with ${name}=${value}`);
  const report = join(reports, `${index}.xml`);
  const waitMs = files.some(isNetwork) ? testWaitMs.network : testWaitMs.unit;
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
  const paths = files.map((file) => `./${file}`);
  const ended = Bun.spawnSync([process.execPath, "test", `--timeout=${waitMs}`, ...reporter, ...paths], {
    cwd: root,
    env: { ...process.env, ...env },
    stdout: "inherit",
    stderr: "inherit",
    timeout: partWaitMs,
    killSignal: "SIGKILL",
  });
  const text = existsSync(report) ? readFileSync(report, "utf8") : "";
  return countsOf(text, ended.exitCode, files);
}

const unsteady: { part: Part; first: Counts }[] = [];
let ran = 0;
let total: Counts = { passed: 0, failed: [], skipped: [] };
for (const part of parts(process.argv.slice(2))) {
  const counts = runPart(part, ran++);
  if (counts.failed.length > 0 && part.files.every(isNetwork)) unsteady.push({ part, first: counts });
  else total = addCounts(total, counts);
}
for (const { part, first } of unsteady) {
  for (const name of first.failed) console.log(`failed, and its file runs a second time: ${name}`);
  total = addCounts(total, runPart(part, ran++));
}
rmSync(reports, { recursive: true });
for (const name of total.skipped) console.log(`skipped: ${name}`);
for (const { first } of unsteady) for (const name of first.failed) console.log(`failed at first: ${name}`);
for (const name of total.failed) console.log(`failed: ${name}`);
const isEmpty = total.passed + total.failed.length === 0;
if (isEmpty) console.log("no test was found");
const isSkipFailure = Boolean(process.env["CI"]) && total.skipped.length > 0;
console.log(summary(total));
process.exit(total.failed.length > 0 || isSkipFailure || isEmpty ? 1 : 0);
