import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addCounts, countsOf, summary } from "./counts.ts";

/** Lets bun itself run files of this text, and counts its report. */
function countsOfFiles(files: Record<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), "mcrt-counts-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    const names = Object.keys(files);
    const report = ["--reporter=junit", "--reporter-outfile=report.xml"];
    const command = [process.execPath, "test", ...report, ...names.map((name) => `./${name}`)];
    // In CI bun refuses test.only and such; what is counted must not depend on where we run.
    const ended = Bun.spawnSync(command, {
      cwd: dir,
      stdout: "ignore",
      stderr: "ignore",
      env: { ...process.env, CI: "" },
    });
    const path = join(dir, "report.xml");
    return countsOf(readOr(path, ""), ended.exitCode, names);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return otherwise;
    throw error;
  }
}

const imports = 'import { afterAll, describe, expect, test } from "bun:test";\n';

test("passes, failures and skips are counted, with the names of the skips", () => {
  const text = `test("a & <b>", () => {}); test.skip('the "s"', () => {}); test.todo("t");
    describe("d", () => { test("f", () => { expect("<skipped />").toBe("") }); test("p", () => {}) });`;
  expect(countsOfFiles({ "a.test.ts": imports + text })).toEqual({
    passed: 2,
    failed: ["a.test.ts: f"],
    skipped: ['a.test.ts: the "s"', "a.test.ts: t"],
  });
});

test("a file that cannot be loaded is a failure beside the others' tests", () => {
  const files = { "a.test.ts": `${imports}test("p", () => {});`, "b.test.ts": 'import "./nosuch.ts";' };
  expect(countsOfFiles(files)).toEqual({ passed: 1, failed: ["b.test.ts: no test of it reported"], skipped: [] });
});

test("a process that dies is a failure of each of its files", () => {
  const files = {
    "a.test.ts": `${imports}test("p", () => process.kill(process.pid, "SIGKILL"));`,
    "b.test.ts": imports,
  };
  expect(countsOfFiles(files)).toMatchObject({
    passed: 0,
    failed: ["a.test.ts: no test of it reported", "b.test.ts: no test of it reported"],
  });
});

test("an error after the tests is a failure", () => {
  const files = { "a.test.ts": `${imports}test("p", () => {}); afterAll(() => { throw new Error("late") });` };
  expect(countsOfFiles(files)).toMatchObject({ failed: [expect.stringContaining("a.test.ts")] });
});

test("sums are said in one line, skips only when there are any", () => {
  const one = { passed: 2, failed: [], skipped: [] };
  const other = { passed: 1, failed: ["c: d"], skipped: ["a: b"] };
  expect(summary(one)).toBe("2 passed, 0 failed");
  expect(summary(addCounts(one, other))).toBe("3 passed, 1 failed, 1 skipped");
});
