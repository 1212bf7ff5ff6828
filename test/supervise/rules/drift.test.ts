// Workers that hold other rules than they should, as processes that forget on purpose (test/fixtures/worker.ts).
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { limits } from "../../../src/limits.ts";
import { Drift } from "../../../src/supervise/rules/drift.ts";
import { type LiveRule, upbringingOf } from "../../../src/supervise/rules/live-rule.ts";
import { Workers } from "../../../src/supervise/workers/workers.ts";
import { until } from "../../helpers/until.ts";

const fixture = join(import.meta.dir, "../../fixtures/worker.ts");
const started: Workers[] = [];
afterEach(async () => {
  for (const workers of started.splice(0)) await workers.end();
});

function live(serial: number, port = 5000): LiveRule {
  const rule = {
    ...{ rule_id: `rule-${serial}`, input_interface: "in0", input_group: "239.1.1.1", input_port: port },
    ...{ input_protocol: 17, outputs: [], source: "Dynamic" as const },
  };
  const place = { serial, counter: serial, sinceMs: 0 };
  return { rule, ...place, outputs: [], captures: [], uncaptured: [], pending: undefined };
}

/** One worker in `mode`, brought up with `lives`, and a comparison at hand that steps on by more than any delay. */
async function lab(mode: string, lives: readonly LiveRule[]) {
  const news: string[] = [];
  const onNews = (level: string, message: string) => news.push(`${level} ${message}`);
  const workers = new Workers({
    ...{ command: [process.execPath, fixture, mode], cores: [0], uid: 0, gid: 0, hasSpare: false },
    pipeline: "unified",
    io: "auto",
    emptyRoot: undefined,
    upbringing: { captures: () => [], orders: () => upbringingOf(lives) },
    died: () => undefined,
    openLog: () => ({ push: () => undefined, end: () => undefined }),
    onNews,
  });
  started.push(workers);
  expect(await workers.start()).toEqual([]);
  const [place] = workers.places;
  if (place === undefined) throw new Error("there is one worker");
  const drift = new Drift(onNews);
  let nowMs = 0;
  const look = (running = lives, edition = 1) => {
    nowMs += limits.restartDelayMaxMs;
    drift.look(workers.places, () => running, edition, nowMs);
  };
  const idle = () => until("its orders are carried out", () => place.child?.hasOpenChanges === false);
  return { workers, place, look, idle, news };
}

test("a worker with the rules it should have is left alone", async () => {
  const { place, look, news } = await lab("good", [live(1), live(2)]);
  look();
  look([live(2), live(1)], 2);
  expect([place.repairs, news]).toEqual([0, []]);
});

test("one that has forgotten its rules is given them anew, once, and that is counted and said", async () => {
  const { place, look, idle, news } = await lab("crooked", [live(1), live(2)]);
  look();
  expect(place.repairs).toBe(1);
  expect(news[0]).toMatch(
    /^Warning worker 0 \(pid \d+\) has other rules .* \(egress has 0:0{16}, not 2:[0-9a-f]{16}\)/,
  );
  // While the repair is on its way, nothing is judged.
  look();
  expect(place.repairs).toBe(1);
  await idle();
  look();
  expect([place.repairs, place.restarts, news.length]).toEqual([1, 0, 1]);
});

test("a rule that differs in its port alone is drift too", async () => {
  const { place, look } = await lab("good", [live(1)]);
  look([live(1, 5001)]);
  expect(place.repairs).toBe(1);
});

test("one that stays wrong though it says otherwise is replaced", async () => {
  const { place, look, idle, news } = await lab("incorrigible", [live(1)]);
  for (let turn = 0; turn < limits.rulesRepairsMax; turn++) {
    look();
    await idle();
  }
  expect([place.repairs, place.restarts]).toEqual([limits.rulesRepairsMax, 0]);
  look();
  await until(
    "it is replaced",
    () => place.restarts,
    (restarts) => restarts === 1,
  );
  expect(news.join("\n")).toContain("though it was given them anew 3 times");
});
