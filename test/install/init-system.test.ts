import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { initOf, nextStep, serviceStart } from "../../src/install/init-system.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mcr-init-system-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, "");
  }
}

test.each([
  ["systemd", "/lib/systemd/systemd", "/lib/systemd/system/mcr.service", "systemctl enable --now mcr"],
  ["openrc", "/sbin/openrc-run", "/etc/init.d/mcr", "rc-update add mcr && rc-service mcr start"],
] as const)("a service of %s is started in its way, where it is installed", (init, mark, service, start) => {
  put(mark);
  expect(initOf(root)).toBe(init);
  expect(serviceStart(root)).toBeUndefined();
  put(service);
  expect(serviceStart(root)).toBe(start);
  expect(nextStep(init)).toBe(`edit /etc/mcr/mcr.json5, then: ${start}`);
});

test("procd's service reads another file, and is not named for ours", () => {
  put("/sbin/procd", "/etc/init.d/mcr");
  expect(initOf(root)).toBe("procd");
  expect(serviceStart(root)).toBeUndefined();
  expect(nextStep("procd")).toContain("/etc/config/mcr");
});

test("a tree without an init system has no service", () => {
  put("/etc/init.d/mcr");
  expect(initOf(root)).toBeUndefined();
  expect(serviceStart(root)).toBeUndefined();
});
