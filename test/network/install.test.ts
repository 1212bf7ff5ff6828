// The compiled binary installs itself: what only it can show, that its files are inside.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "../helpers/relay.ts";
import { run, runAnyway } from "../helpers/run.ts";

const root = mkdtempSync(join(tmpdir(), `mcrt-${process.pid}-install-`));
afterAll(() => rmSync(root, { recursive: true }));

test("the binary installs itself, what it installed runs, and uninstalling leaves an empty tree", () => {
  const where = ["--root", root];
  const foretold = run([binary, "install", ...where, "--init", "systemd", "--dry-run"]).stdout;
  expect(foretold).toContain(`write   ${root}/usr/lib/systemd/system/mcr.service`);
  expect(readdirSync(root)).toEqual([]);

  run([binary, "install", ...where, "--init", "systemd"]);
  const installed = join(root, "usr/bin/mcr-appliance");
  const lines = run([installed, "--version", "--verbose"]).stdout;
  expect(lines).toMatch(/^library +loaded from memory, of this build$/m);
  expect(lines).toMatch(/^commit +[0-9a-f]{12}/m);
  expect(lines).toMatch(/^liburing +\d+\.\d+$/m);
  expect(run([installed, "config", "check", join(root, "etc/mcr/mcr.json5")]).exitCode).toBe(0);
  const again = run([installed, "install", ...where]).stdout;
  expect(again).toStartWith("0 files written");

  run([installed, "uninstall", ...where]);
  expect(readdirSync(root)).toEqual([]);
});

test("a tree without an init system is refused with what to do", () => {
  const refused = runAnyway([binary, "install", "--root", root]);
  expect(refused).toMatchObject({
    exitCode: 69,
    stderr: expect.stringContaining("name the one it will have with --init"),
  });
});
