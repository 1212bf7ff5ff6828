import { describe, expect, test } from "bun:test";
import type { InstallFile } from "../../src/install/files.ts";
import { installSteps, type Present, type Step, uninstallSteps } from "../../src/install/plan.ts";
import type { InstallRecord } from "../../src/install/record.ts";

const content = { from: "here" as const, bytes: new Uint8Array() };
const unit: InstallFile = { path: "/usr/lib/unit", mode: 0o644, isConfig: false, content };
const config: InstallFile = { path: "/etc/config", mode: 0o644, isConfig: true, content };

/** The files' hash is "new"; what is there and what was recorded is told by hash. */
function stepsOf(files: readonly InstallFile[], there: Record<string, string>, recorded: Record<string, string> = {}) {
  const steps = installSteps(files, {
    record: recordOf(recorded),
    present: (path) => presentOf(there, path),
    hashOf: () => "new",
  });
  return steps.map(textOf);
}

function presentOf(there: Record<string, string>, path: string): Present | undefined {
  return there[path] === undefined ? undefined : { hash: there[path], mode: 0o644 };
}

function recordOf(recorded: Record<string, string>): InstallRecord | undefined {
  const files = Object.entries(recorded).map(([path, sha256]) => ({ path, sha256, isConfig: path.startsWith("/etc") }));
  return files.length === 0 ? undefined : { version: "0", init: "systemd", files, folders: [] };
}

function textOf(step: Step): string {
  const path = step.kind === "write" ? step.file.path : step.path;
  return `${step.kind} ${path}${step.kind === "keep" ? `: ${step.why}` : ""}`;
}

describe("an installation", () => {
  test("writes what is missing and leaves what is right", () => {
    expect(stepsOf([unit, config], {})).toEqual(["write /usr/lib/unit", "write /etc/config"]);
    expect(stepsOf([unit, config], { "/usr/lib/unit": "new", "/etc/config": "new" })).toEqual([
      "same /usr/lib/unit",
      "same /etc/config",
    ]);
  });

  test("replaces its own files whatever they hold, and mends their mode", () => {
    expect(stepsOf([unit], { "/usr/lib/unit": "other" })).toEqual(["write /usr/lib/unit"]);
    expect(stepsOf([{ ...unit, mode: 0o755 }], { "/usr/lib/unit": "new" })).toEqual(["write /usr/lib/unit"]);
  });

  test("keeps configuration that was edited, removed, or there before", () => {
    expect(stepsOf([config], { "/etc/config": "edited" }, { "/etc/config": "old" })).toEqual([
      "keep /etc/config: it was edited",
    ]);
    expect(stepsOf([config], {}, { "/etc/config": "old" })).toEqual(["keep /etc/config: it was removed"]);
    expect(stepsOf([config], { "/etc/config": "somebody's" })).toEqual(["keep /etc/config: it was there before"]);
  });

  test("brings a new default for configuration that nobody edited", () => {
    expect(stepsOf([config], { "/etc/config": "old" }, { "/etc/config": "old" })).toEqual(["write /etc/config"]);
  });

  test("takes away what an earlier version installed and this one does not, edited configuration excepted", () => {
    const recorded = { "/usr/lib/gone": "old", "/etc/gone": "old", "/etc/mine": "old" };
    const there = { "/usr/lib/gone": "other", "/etc/gone": "old", "/etc/mine": "edited" };
    expect(stepsOf([], there, recorded)).toEqual([
      "remove /usr/lib/gone",
      "remove /etc/gone",
      "keep /etc/mine: it was edited",
    ]);
  });
});

describe("an uninstallation", () => {
  const record = recordOf({ "/usr/lib/unit": "old", "/etc/config": "old", "/usr/lib/lost": "old" });
  const present = (path: string) => presentOf({ "/usr/lib/unit": "other", "/etc/config": "edited" }, path);

  test("removes what is there, and edited configuration only when it is to purge", () => {
    if (record === undefined) throw new Error("no record");
    const kept = uninstallSteps(record, { present }, false).map(textOf);
    expect(kept).toEqual(["remove /usr/lib/unit", "keep /etc/config: it was edited"]);
    const purged = uninstallSteps(record, { present }, true).map(textOf);
    expect(purged).toEqual(["remove /usr/lib/unit", "remove /etc/config"]);
  });
});
