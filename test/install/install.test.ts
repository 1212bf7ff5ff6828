import { afterAll, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Glob } from "bun";
import { install, uninstall } from "../../src/install/install.ts";

const base = mkdtempSync(join(tmpdir(), `mcrt-${process.pid}-install-`));
const executable = join(base, "program");
writeFileSync(executable, "first");
afterAll(() => rmSync(base, { recursive: true }));

const paper = { pages: [{ name: "mcr-appliance", section: 8, text: ".TH" }], completions: { bash: "complete" } };
let root = "";
let lines: string[] = [];
let roots = 0;

beforeEach(() => {
  root = join(base, `root-${roots++}`);
  mkdirSync(join(root, "usr/lib/systemd"), { recursive: true });
  writeFileSync(join(root, "usr/lib/systemd/systemd"), "");
  writeFileSync(executable, "first");
});

const manner = (isDry: boolean) => ({ isDry, say: (line: string) => lines.push(line.replace(root, "")) });

function run(how: { isDry?: boolean; init?: string } = {}) {
  lines = [];
  return install({ root, init: how.init, executable, paper }, manner(how.isDry ?? false));
}

function undo(isPurge = false) {
  lines = [];
  return uninstall({ root, isPurge }, manner(false));
}

const files = () => [...new Glob("**").scanSync({ cwd: root, dot: true })].sort();
const text = (path: string) => readFileSync(join(root, path), "utf8");
const untouched = ["usr/lib/systemd/systemd"];

test("a dry run says what a real one does, and does nothing", () => {
  expect(run({ isDry: true }).ok).toBe(true);
  const foretold = lines;
  expect(files()).toEqual(untouched);
  expect(run().ok).toBe(true);
  expect(lines).toEqual(foretold);
  expect(lines).toContain("write   /etc/mcr/mcr.json5  (0644, configuration)");
});

test("what is written is the program, its service, its configuration and its paper", () => {
  run();
  expect(text("usr/bin/mcr-appliance")).toBe("first");
  expect(statSync(join(root, "usr/bin/mcr-appliance")).mode & 0o777).toBe(0o755);
  expect(text("usr/lib/systemd/system/mcr.service")).toContain("ExecStart=/usr/bin/mcr-appliance supervise");
  expect(Bun.JSON5.parse(text("etc/mcr/mcr.json5"))).toEqual({ rules: [] });
  expect(gunzipSync(readFileSync(join(root, "usr/share/man/man8/mcr-appliance.8.gz"))).toString()).toBe(".TH\n");
  expect(text("usr/share/bash-completion/completions/mcr-appliance")).toBe("complete");
});

test("an upgrade replaces the program and no edited configuration, however often it comes", () => {
  run();
  writeFileSync(join(root, "etc/mcr/mcr.json5"), "{ rules: [], multicast_ttl: 8 }");
  for (const version of ["second", "third"]) {
    writeFileSync(executable, version);
    expect(run().ok).toBe(true);
    expect(lines).toEqual(["write   /usr/bin/mcr-appliance  (0755)", "keep    /etc/mcr/mcr.json5  (it was edited)"]);
    expect(text("usr/bin/mcr-appliance")).toBe(version);
    expect(text("etc/mcr/mcr.json5")).toContain("multicast_ttl: 8");
  }
});

test("OpenRC and procd get scripts that may be executed, and what they read", () => {
  const ofInit = (init: string) => {
    rmSync(root, { recursive: true });
    mkdirSync(root);
    expect(run({ init }).ok).toBe(true);
    expect(statSync(join(root, "etc/init.d/mcr")).mode & 0o777).toBe(0o755);
    return files().filter((path) => path.startsWith("etc/"));
  };
  expect(ofInit("openrc")).toEqual(["etc/conf.d/mcr", "etc/init.d/mcr", "etc/mcr/mcr.json5"]);
  expect(text("etc/init.d/mcr")).toStartWith("#!/sbin/openrc-run\n");
  expect(ofInit("procd")).toEqual(["etc/config/mcr", "etc/init.d/mcr", "etc/sysctl.d/60-mcr.conf"]);
  expect(text("etc/init.d/mcr")).toStartWith("#!/bin/sh /etc/rc.common\n");
});

test("uninstalling leaves the tree as it was, but for what was edited", () => {
  run();
  writeFileSync(join(root, "etc/default/mcr"), "MCR_OPTIONS=--workers=1");
  expect(undo().ok).toBe(true);
  expect(files()).toEqual(["etc/default/mcr", ...untouched]);
  expect(existsSync(join(root, "etc/mcr"))).toBe(false);
  expect(existsSync(join(root, "usr/share"))).toBe(false);
});

test("a purge takes edited configuration too", () => {
  run();
  writeFileSync(join(root, "etc/default/mcr"), "MCR_OPTIONS=--workers=1");
  expect(undo(true).ok).toBe(true);
  expect(files()).toEqual(untouched);
  expect(existsSync(join(root, "etc"))).toBe(false);
});

test("what was not installed by it is not uninstalled", () => {
  expect(undo()).toMatchObject({
    ok: false,
    error: { exit: 1, text: expect.stringContaining("nothing was installed") },
  });
});

test("nothing is written beside a Debian package, nor without an init system that is known", () => {
  mkdirSync(join(root, "var/lib/dpkg/info"), { recursive: true });
  writeFileSync(join(root, "var/lib/dpkg/info/mcr-appliance.list"), "");
  expect(run()).toMatchObject({ ok: false, error: { exit: 1, text: expect.stringContaining("apt remove") } });
  rmSync(join(root, "var"), { recursive: true });
  rmSync(join(root, "usr/lib/systemd/systemd"));
  expect(run()).toMatchObject({ ok: false, error: { exit: 69, text: expect.stringContaining("--init") } });
  expect(run({ init: "upstart" })).toMatchObject({ ok: false, error: { exit: 64 } });
  expect(files()).toEqual([]);
});

test("a link that leads out of the root stops it before anything is written", () => {
  const outside = join(base, `outside-${roots}`);
  mkdirSync(outside);
  symlinkSync(outside, join(root, "etc"));
  expect(run()).toMatchObject({ ok: false, error: { text: expect.stringContaining("out of") } });
  expect(files()).toEqual(untouched);
  expect([...new Glob("**").scanSync(outside)]).toEqual([]);
});

test("a record that is none is said, and nothing is changed", () => {
  mkdirSync(join(root, "usr/lib/mcr-appliance"), { recursive: true });
  writeFileSync(join(root, "usr/lib/mcr-appliance/installed.json"), '{"files": 1}');
  expect(run()).toMatchObject({ ok: false, error: { exit: 78, text: expect.stringContaining("no record") } });
  expect(files()).toEqual(["usr/lib/mcr-appliance/installed.json", ...untouched]);
});
