// The units, as systemd itself reads them (Debian's package systemd; nothing of it has to run).
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../../src/limits.ts";
import { run, runAnyway } from "../helpers/run.ts";

const folder = join(import.meta.dir, "../../appliance/systemd");
const dir = mkdtempSync(join(tmpdir(), "mcrt-units-"));
afterAll(() => rmSync(dir, { recursive: true }));

const units = { "mcr.service": "mcr.service", "mcr@.service": "mcr@blue.service" } as const;
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const values = (text: string, key: string) =>
  [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value ?? "");

/** A copy for systemd-analyze, which insists that the program is there; returns its path. */
function installed(name: string, as: string): string {
  const path = join(dir, as);
  writeFileSync(path, read(name).replaceAll("/usr/bin/mcr-appliance", "/bin/true"));
  return path;
}

function security(name: string, as: string): string {
  return run(["systemd-analyze", "security", "--offline=true", "--no-pager", installed(name, as)]).stdout;
}

describe.each(Object.entries(units))("%s", (name, as) => {
  test("is read by systemd without a complaint", () => {
    const verified = runAnyway(["systemd-analyze", "verify", "--man=no", installed(name, as)]);
    expect([verified.stderr, verified.exitCode]).toEqual(["", 0]);
  });

  test("leaves less open than 2.5", () => {
    const report = security(name, as);
    const exposure = Number(/Overall exposure level for \S+: ([0-9.]+)/.exec(report)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThan(2.5);
  });

  test("has every point that is left open explained in the README", () => {
    const report = security(name, as);
    const open = [...report.matchAll(/^✗ (\S+)/gm)].map(([, point]) => point ?? "");
    expect(open.length).toBeGreaterThan(5);
    const readme = read("README.md");
    // `CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|…|RAW)` is about CAP_NET_RAW, `RestrictAddressFamilies=~AF_(INET|INET6)` about AF_INET.
    const words = open.map((point) =>
      point
        .replace(/^(CapabilityBoundingSet|RestrictAddressFamilies|SystemCallFilter)=~/, "")
        .replace(/\(BIND.*/, "RAW")
        .replace(/_\(INET.*/, "_INET")
        .replace("AmbientCapabilities=", "ambient capabilities")
        .replace(/=.*/, ""),
    );
    expect(words.filter((word) => !readme.includes(word))).toEqual([]);
  });

  test("checks the files before it reloads them", () => {
    const [check = "", hangUp = "", ...rest] = values(read(name), "ExecReload");
    expect(check).toContain("mcr-appliance config check");
    // The shell's own: a minimal system has no program kill.
    expect(hangUp).toBe("/bin/sh -c 'kill -HUP $MAINPID'");
    expect(rest).toEqual([]);
  });

  test("has a watchdog that outwaits the longest pause of a worker and its birth", () => {
    const [seconds] = values(read(name), "WatchdogSec").map(Number);
    expect(seconds).toBeGreaterThan((limits.restartDelayMaxMs + limits.workerBirthWaitMs) / 1000);
  });
});

test("an instance is forbidden what the service is forbidden", () => {
  const confinement = (name: string) => read(name).slice(read(name).indexOf("# Capturing;"));
  expect(confinement("mcr@.service")).toBe(confinement("mcr.service"));
});
