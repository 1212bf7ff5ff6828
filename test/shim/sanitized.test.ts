// The shim under AddressSanitizer and UndefinedBehaviorSanitizer, driven through every export (test/fixtures/shim-driver.c).
import { expect, test } from "bun:test";
import { join } from "node:path";
import { run, runAnyway } from "../helpers/run.ts";

const root = join(import.meta.dir, "../..");
const out = join(root, "build/test");
const driver = join(out, "shim-driver");

test("every export of the shim keeps to its memory, with right values and with edge values", () => {
  run(["make", "-s", "-C", join(root, "cshim"), `OUT=${out}`, "sanitized"]);
  expect(run([driver]).stdout).toMatch(/^\d+ exports, \d{4,} checks\n$/);
}, 60_000);

test("a read of one byte beyond would have been noticed", () => {
  const { exitCode, stderr } = runAnyway([driver, "canary"]);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("AddressSanitizer: heap-buffer-overflow");
  expect(stderr).toContain("mcr_ones_sum");
});
