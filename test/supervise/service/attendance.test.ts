// Who hears that we live, and when: at work, and while the workers of the supervisor before us are relieved.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../../../src/limits.ts";
import { Attendance } from "../../../src/supervise/service/attendance.ts";
import { listenForNotifications } from "../../helpers/notify-socket.ts";

const dir = mkdtempSync(join(tmpdir(), "mcr-attendance-"));
const before = { ...process.env };
afterEach(() => {
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC"]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  rmSync(dir, { recursive: true, force: true });
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
