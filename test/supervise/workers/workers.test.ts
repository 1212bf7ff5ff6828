// Workers as the supervisor holds them, with processes that misbehave on purpose (test/fixtures/worker.ts).
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { limits } from "../../../src/limits.ts";
import { Workers } from "../../../src/supervise/workers/workers.ts";
import type { Order } from "../../../src/worker/orders.ts";
import { isAlive } from "../../helpers/alive.ts";
import { until } from "../../helpers/until.ts";

const fixture = join(import.meta.dir, "../../fixtures/worker.ts");
const started: Workers[] = [];

afterEach(async () => {
  for (const workers of started.splice(0)) {
    const pids = [...workers.places.map(({ child }) => child?.pid), workers.sparePid].filter(
      (pid) => pid !== undefined,
    );
    await workers.end();
    expect(pids.filter(isAlive)).toEqual([]);
  }
});

/** Workers that are the fixture in one mode each, as a change of `command` allows. */
function lab(mode: readonly string[], count = 1, hasSpare = false) {
  const news: string[] = [];
  const plan = {
    command: [process.execPath, fixture, ...mode],
    cores: new Array<number>(count).fill(0),
    ...{ uid: 0, gid: 0, pipeline: "unified" as const, io: "auto" as const, emptyRoot: undefined, hasSpare },
    upbringing: {
      captures: () => [],
      orders: () => [{ order: { kind: "SyncRules", rules: [] } as Order, sockets: [] }],
    },
    died: () => undefined,
    openLog: () => ({ push: (bytes: Uint8Array) => news.push(new TextDecoder().decode(bytes)), end: () => undefined }),
    onNews: (level: string, message: string) => news.push(`${level} ${message}`),
  };
  const workers = new Workers(plan);
  started.push(workers);
  const first = workers.places[0];
  if (first === undefined) throw new Error("there is one worker at least");
  return {
    workers,
    news,
    first,
    plan,
    says: (text: RegExp) =>
      until(
        `news of ${text}`,
        () => news.join("\n"),
        (all) => text.test(all),
      ),
  };
}

test("one that does well runs, answers and is not replaced", async () => {
  const { workers, first } = lab(["good"], 2);
  expect(await workers.start()).toEqual([]);
  expect(workers.runningCount).toBe(2);
  expect(await workers.order({ kind: "Ping" })).toEqual([]);
  // It is asked every half second: each time its age begins anew.
  let [beats, ageMs] = [0, 0];
  await until(
    "three heartbeats",
    () => {
      const nowMs = first.child?.heartbeatAgeMs ?? 0;
      beats += nowMs < ageMs ? 1 : 0;
      ageMs = nowMs;
      return beats;
    },
    (count) => count >= 3,
    { deadlineMs: 15_000 },
  );
  expect([first.restarts, first.stalls]).toEqual([0, 0]);
});

test.each<[mode: string, says: RegExp]>([
  ["noise", /its reports cannot be read: a frame of \d+ bytes is longer than the limit/],
  ["huge", /its reports cannot be read: a frame of 4294967295 bytes/],
  ["no-json", /a report that is not understood \(/],
  ["no-text", /a report that is not understood \(/],
  ["stranger", /a report that is not understood \(/],
  ["unowed", /its egress acknowledged order 4711, which it did not owe/],
  ["twice", /acknowledged order \d+, which it did not owe/],
])("%s: what it says is refused by name, and it is replaced", async (mode, says) => {
  const { workers, first, plan, says: awaited } = lab([mode]);
  void workers.start();
  await awaited(says);
  await until(
    "it is replaced",
    () => first.restarts,
    (restarts) => restarts > 0,
  );
  plan.command.splice(2, 1, "good");
  await until(
    "a better one runs",
    () => first.state,
    (state) => state === "running",
    { deadlineMs: 10_000 },
  );
});

test("who dies with an order is named by its own pid, though its place is another's by then", async () => {
  const { workers, first } = lab(["good"]);
  await workers.start();
  const pid = first.child?.pid ?? 0;
  process.kill(pid, "SIGSTOP");
  const answer = workers.order({ kind: "Ping" });
  process.kill(pid, "SIGKILL");
  expect(await answer).toEqual([`worker 0 (pid ${pid}): it ended: signal SIGKILL`]);
});

test.each<[mode: string, says: RegExp]>([
  ["deaf", /stuck: ingress and egress silent for 1\.\d s; sleeps and does not read/],
  ["busy", /stuck: ingress and egress silent for 1\.\d s; runs without coming back/],
  // It looks after its other stream, so it is met asleep or, where the machine is busy, on its way.
  ["lame", /stuck: egress silent for 1\.\d s; (sleeps|runs)/],
])(
  "%s: alive but stuck is noticed within 3 s, with what it does, and others do not wait for it",
  async (mode, says) => {
    const { workers, first, plan, news } = lab(["good"], 2);
    await workers.start();
    plan.command.splice(2, 1, mode);
    const [, other] = workers.places;
    const before = first.child?.pid;
    first.child?.kill();
    await until(
      "the bad one is there",
      () => first,
      ({ child, state }) => state === "running" && child?.pid !== before,
    );
    // Looks of the supervisor's period: 30 are 3 s, and where the machine keeps us waiting, both are late alike.
    let looks = 0;
    const looker = setInterval(() => looks++, limits.heartbeatLookMs);
    plan.command.splice(2, 1, "good");
    expect(await other?.child?.order({ kind: "Ping" })).toBeUndefined();
    expect(news.join("\n")).not.toMatch(says);
    await until(
      "it is noticed",
      () => news.join("\n"),
      (all) => says.test(all),
      { deadlineMs: 20_000 },
    );
    clearInterval(looker);
    expect(looks).toBeLessThanOrEqual(3000 / limits.heartbeatLookMs);
    await until(
      "it is replaced",
      () => first,
      ({ state, stalls }) => state === "running" && stalls === 1,
    );
    expect(other?.restarts).toBe(0);
  },
);

test("a full order stream blocks nobody: it breaks, and its worker is replaced", async () => {
  const { workers, first, plan, says } = lab(["deaf"], 1);
  void workers.start();
  await until(
    "it lives",
    () => first.state,
    (state) => state === "running",
  );
  plan.command.splice(2, 1, "good");
  const rules = [
    {
      serial: 1,
      rule_id: "x".repeat(10_000_000),
      counter: 0,
      captures: [0],
      group: 1,
      port: 1,
      protocol: 17,
      source: 0,
      outputs: [],
    },
  ];
  // A write that waited would wait for ever: nobody reads.
  const answers = Array.from({ length: 10 }, () => first.child?.order({ kind: "SyncRules", rules }));
  await says(/\d+ bytes of orders wait for it/);
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/bytes of orders wait|it has ended/);
  await until(
    "it is replaced",
    () => first,
    ({ state, restarts }) => state === "running" && restarts === 1,
  );
});

test.each<[code: string, cause: string]>([
  ["69", "a kernel feature is missing"],
  ["76", "it is of another build than this supervisor"],
  ["77", "a permission is missing"],
])("exit code %s is final, and the place says why in its own words", async (code, cause) => {
  const { workers, first, says } = lab(["stillborn", code]);
  expect(await workers.start()).toEqual(["worker 0 on core 0: it is Monday"]);
  await says(new RegExp(`it is Monday \\(exit code ${code}\\); ${cause}: it would only end so again`));
  expect(first).toMatchObject({ state: "failed", restarts: 0, exitCode: Number(code) });
  expect(first.reason).toBe(`it ended: it is Monday (exit code ${code}); ${cause}`);
});

test.each([
  ["exit", "0"],
  ["exit", "1"],
  ["exit", "70"],
  ["kill", "SIGSEGV"],
  ["kill", "SIGABRT"],
  ["kill", "SIGTERM"],
])("%s %s is followed by another try", async (mode, detail) => {
  const { workers, first, plan } = lab([mode, detail]);
  expect(await workers.start()).toHaveLength(1);
  plan.command.splice(2, 2, "good");
  await until(
    "it runs",
    () => first.state,
    (state) => state === "running",
  );
  expect(first.restarts).toBeGreaterThan(0);
});

test("a worker that cannot be started at all is tried again", async () => {
  const { workers, first, plan, says } = lab(["good"]);
  const [command = ""] = plan.command.splice(0, 1, "/nowhere/at/all");
  expect((await workers.start())[0]).toContain("could not be started");
  await says(/worker 0 could not be started/);
  plan.command.splice(0, 1, command);
  await until(
    "it runs",
    () => first.state,
    (state) => state === "running",
  );
});

test("a spare takes over within a moment, another one follows, and one that is stopped is not trusted", async () => {
  const { workers, first } = lab(["good"], 1, true);
  await workers.start();
  const ready = () => until("a spare", () => workers.isSpareReady);
  await ready();
  const spare = workers.sparePid;
  first.child?.kill();
  await until(
    "it took over",
    () => first,
    ({ child, state }) => state === "running" && child?.pid === spare,
  );
  await ready();
  const second = workers.sparePid ?? 0;
  expect(second).not.toBe(spare);
  process.kill(second, "SIGSTOP");
  first.child?.kill();
  await until(
    "another one runs",
    () => first,
    ({ state, restarts }) => state === "running" && restarts === 2,
  );
  expect(first.child?.pid).not.toBe(second);
  await until("the stopped one is gone", () => !isAlive(second));
});
