import { describe, expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { errno } from "../../../src/shim/errno.ts";
import type { Failure } from "../../../src/shim/socket.ts";
import { areAlive, type Living, ServiceManager, statusLine } from "../../../src/supervise/service/service-manager.ts";

/** A service manager's end in which everything is a variable. */
function lab(variables: Record<string, string> = { NOTIFY_SOCKET: "/run/notify" }) {
  const said: string[] = [];
  const news: string[] = [];
  const world = { refusal: undefined as Failure | undefined, isAlive: true, status: "quiet", clockMs: 1000 };
  const manager = new ServiceManager({
    variables,
    pid: 42,
    send: (to, text) => {
      if (world.refusal === undefined) {
        said.push(`${to} ${text}`);
      }
      return world.refusal;
    },
    status: () => world.status,
    areWorkersAlive: () => world.isAlive,
    clockUs: () => world.clockMs * 1000 + 0.5,
    onNews: (level, message) => news.push(`${level}: ${message}`),
  });
  return { manager, world, said, news };
}

const watched = { NOTIFY_SOCKET: "@notify", WATCHDOG_USEC: "3000000" };
const beat = "@notify WATCHDOG=1\n";

test("a life: ready, reloading, ready again, stopping", () => {
  const { manager, said } = lab();
  manager.ready();
  manager.reloading();
  manager.ready();
  manager.stopping();
  expect(said).toEqual([
    "/run/notify READY=1\nSTATUS=quiet\n",
    "/run/notify RELOADING=1\nMONOTONIC_USEC=1000000\n",
    "/run/notify READY=1\nSTATUS=quiet\n",
    "/run/notify STOPPING=1\nSTATUS=ending\n",
  ]);
});

test("without NOTIFY_SOCKET nothing is said, and nothing is to be done", () => {
  const { manager, said, news } = lab({ WATCHDOG_USEC: "3000000" });
  manager.ready();
  manager.tick();
  expect([manager.tickMs, said, news]).toEqual([0, [], []]);
});

test.each(["vsock:2:1234", "notify", "/", "@"])("a socket of an unknown kind, %s, is said once", (address) => {
  const { manager, said, news } = lab({ NOTIFY_SOCKET: address });
  manager.ready();
  expect(said).toEqual([]);
  expect(news).toEqual(["Warning: NOTIFY_SOCKET is neither a path nor @name: the service manager hears nothing"]);
});

describe("the watchdog", () => {
  test("is answered thrice in the time in which one answer is due, and no less than once a second", () => {
    expect(lab({ ...watched, WATCHDOG_USEC: "900000" }).manager.tickMs).toBe(300);
    expect(lab({ ...watched, WATCHDOG_USEC: "30000000" }).manager.tickMs).toBe(limits.samplePeriodMs);
  });

  test("is answered while all workers are alive, and only then; the log says so once", () => {
    const { manager, world, said, news } = lab(watched);
    manager.tick();
    world.isAlive = false;
    manager.tick();
    manager.tick();
    expect(said.filter((text) => text === beat)).toHaveLength(1);
    expect(news).toEqual(["Warning: the service manager's watchdog is not answered: not all workers are alive"]);
    world.isAlive = true;
    manager.tick();
    expect(said.filter((text) => text === beat)).toHaveLength(2);
  });

  test.each([
    ["that is another process's", { WATCHDOG_PID: "41" }, false],
    ["that is ours by name", { WATCHDOG_PID: "42" }, true],
    ["without a time", { WATCHDOG_USEC: "" }, false],
    ["with a time that is none", { WATCHDOG_USEC: "0" }, false],
  ])("%s", (_, changed, isAnswered) => {
    const { manager, said } = lab({ ...watched, ...changed });
    manager.tick();
    expect(said.includes(beat)).toBe(isAnswered);
  });
});

test("the status is said when it has changed, and not more often than its period allows", () => {
  const { manager, world, said } = lab();
  manager.tick();
  world.status = "12 flows";
  manager.tick();
  expect(said).toEqual(["/run/notify STATUS=quiet\n"]);
  world.clockMs += limits.serviceStatusPeriodMs;
  manager.tick();
  world.clockMs += limits.serviceStatusPeriodMs;
  manager.tick();
  expect(said).toEqual(["/run/notify STATUS=quiet\n", "/run/notify STATUS=12 flows\n"]);
});

test("what finds no room is said later and in order, and no more of it is kept than counts", () => {
  const { manager, world, said, news } = lab();
  world.refusal = { step: "send", errno: errno.EAGAIN };
  for (let turn = 0; turn < 2 * limits.serviceWordsMax; turn++) {
    manager.reloading();
  }
  manager.ready();
  manager.tick();
  expect(said).toEqual([]);
  world.refusal = undefined;
  manager.tick();
  expect(said.filter((text) => text.includes("RELOADING=1"))).toHaveLength(limits.serviceWordsMax - 1);
  expect(said.findIndex((text) => text.includes("READY=1"))).toBe(limits.serviceWordsMax - 1);
  expect(news).toEqual([]);
});

test("a manager that is gone is named in the log once, and nothing waits for it", () => {
  const { manager, world, said, news } = lab();
  world.refusal = { step: "connect", errno: errno.ECONNREFUSED };
  manager.ready();
  manager.stopping();
  world.refusal = undefined;
  manager.tick();
  expect(said).toEqual(["/run/notify STATUS=quiet\n"]);
  expect(news).toEqual(["Warning: the service manager cannot be told: connect: ECONNREFUSED"]);
});

test("workers are alive when each that works has given a sign of life lately, and one works at least", () => {
  const at = (state: string, heartbeatAgeMs?: number): Living => ({
    state,
    child: heartbeatAgeMs === undefined ? undefined : { heartbeatAgeMs },
  });
  const [fresh, stale] = [at("running", limits.heartbeatFreshMs), at("running", limits.heartbeatFreshMs + 1)];
  expect(areAlive([fresh, fresh])).toBe(true);
  expect(areAlive([fresh, stale])).toBe(false);
  // One that died is replaced without the service manager.
  expect(areAlive([fresh, at("restarting"), at("failed")])).toBe(true);
  expect(areAlive([at("restarting"), at("failed")])).toBe(false);
  expect(areAlive([])).toBe(false);
});

test("the status names what moves, how fast, what waits, and who works", () => {
  const facts = { flowRates: [0, 80_000.4, 4_012], pending: 1, workersRunning: 2, workers: 4 };
  expect(statusLine(facts)).toBe("2 of 3 flows move, 84,012 datagrams/s; 1 pending; 2 of 4 workers");
});
