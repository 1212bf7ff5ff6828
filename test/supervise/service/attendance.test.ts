// Who hears that we live, and when: at work, and while the workers of the supervisor before us are relieved.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../../../src/limits.ts";
import { makeRule } from "../../../src/rules/schema.ts";
import type { LiveRule } from "../../../src/supervise/rules/live-rule.ts";
import { Attendance } from "../../../src/supervise/service/attendance.ts";
import { listenForNotifications } from "../../helpers/notify-socket.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "mcr-attendance-"));
});
const before = { ...process.env };
afterEach(() => {
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC"]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  rmSync(dir, { recursive: true, force: true });
});

function live(port: number, enabled: boolean, pending?: string): LiveRule {
  const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: port, input_protocol: 17 };
  const rule = makeRule({ ...input, outputs: [], enabled }, "Dynamic");
  return { rule, serial: port, counter: port, sinceMs: 0, outputs: [], captures: [], uncaptured: [], pending };
}

test("a rule that waits is pending, one that somebody put to rest is not", async () => {
  process.env["NOTIFY_SOCKET"] = join(dir, "notify");
  const manager = await listenForNotifications(join(dir, "notify"));
  const rules = [live(1, true), live(2, true, "input link eth7 does not exist"), live(3, false, "disabled")];
  const attendance = new Attendance(
    {
      workers: { isTakingOver: false, places: [], runningCount: 0 },
      stats: { flows: () => [] },
      relaying: { list: () => rules },
    },
    { say: () => undefined },
  );
  try {
    attendance.service.tick();
    await manager.says("1 pending; 0 of 0 workers");
  } finally {
    attendance.end();
    await manager.end();
  }
});

test("a takeover of which no worker runs yet is a sign of life, what comes to rest without workers is none", async () => {
  process.env["NOTIFY_SOCKET"] = join(dir, "notify");
  process.env["WATCHDOG_USEC"] = "30000";
  const manager = await listenForNotifications(join(dir, "notify"));
  const workers = { isTakingOver: true, places: [], runningCount: 0 };
  const news: string[] = [];
  const attendance = new Attendance(
    { workers, stats: { flows: () => [] }, relaying: { list: () => [] } },
    { say: (_, message) => void news.push(message) },
  );
  try {
    attendance.begin();
    attendance.begin();
    await manager.says("WATCHDOG=1\nWATCHDOG=1\n");
    expect(news).toEqual([]);
    workers.isTakingOver = false;
    attendance.service.tick();
    expect(news).toEqual(["the service manager's watchdog is not answered: not all workers are alive"]);
  } finally {
    attendance.end();
    await manager.end();
  }
  expect(attendance.service.tickMs).toBeLessThan(limits.samplePeriodMs);
});
