// The supervisor is killed at moments spread over an `apply` and a `save`: the files are always one of two versions, whole, and the
// next start runs what they say. test/config/write.test.ts has the same for every step of writing, one by one.
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive } from "../helpers/alive.ts";
import { Relay } from "../helpers/relay.ts";
import { statusOf } from "../helpers/status.ts";
import { bench } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("power-cut");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

/** Enough rules that an apply and a save take their time; the last one says whether a file is whole. */
const ruleCount = 200;
const rulesOf = (name: string) =>
  Array.from({ length: ruleCount }, (_, index) => ({
    name: `${name}-${index}`,
    input: { interface: "in0", group: "10.9.9.9", port: 5000 + index },
    outputs: [{ group: "239.2.2.2", port: 5000 + index, interface: "out0", ttl: name === "old" ? 1 : 2 }],
  }));
const textOf = (name: string) => `// ${name}\n${JSON.stringify({ rules: rulesOf(name) }, null, 2)}\n`;

// From before the first step on; the last is behind the answer, however busy the machine is.
const momentsMs = [0, 5, 50, Number.POSITIVE_INFINITY];

async function cut(round: string, command: unknown, momentMs: number, old: string, mayBe: (text: string) => boolean) {
  const folder = join(lab.dir, `${round}-${momentMs}`);
  mkdirSync(folder);
  const path = join(folder, "mcr.json5");
  writeFileSync(path, old);
  const options = ["--workers", "1", "--spare", "off", "--config", path];
  const relay = await Relay.start(lab, "relay", options);
  if (round === "save") expect(await relay.send({ ApplyConfig: { text: textOf("new") } })).toHaveProperty("Plan");
  const workers = relay.workerPids();
  // Whether there is an answer is up to the moment.
  const answer = relay.send(command, 10_000).catch(() => undefined);
  await (momentMs === Number.POSITIVE_INFINITY ? answer : Bun.sleep(momentMs));
  relay.signal("SIGKILL");
  await relay.finish();
  await answer;
  const text = readFileSync(path, "utf8");
  expect([momentMs, mayBe(text)]).toEqual([momentMs, true]);
  expect(readdirSync(folder).filter((name) => name.endsWith(".json5"))).toEqual(["mcr.json5"]);
  await until("the workers have ended by themselves", () => workers.every((pid) => !isAlive(pid)));
  const again = await Relay.start(lab, "relay", options);
  const names = (await statusOf(again)).rules.map(({ name }) => name);
  const version = text.includes('"new-0"') || text.includes("new-0") ? "new" : "old";
  expect(names).toEqual(rulesOf(version).map(({ name }) => name));
  await again.stop();
  return version;
}

test("a power cut at any moment of an apply leaves the file as it was, and the next start runs it", async () => {
  for (const momentMs of momentsMs) {
    const command = { ApplyConfig: { text: textOf("new"), confirm_within_ms: 60_000 } };
    expect(await cut("apply", command, momentMs, textOf("old"), (text) => text === textOf("old"))).toBe("old");
  }
}, 60_000);

test("a power cut at any moment of a save leaves the old file or the new one, whole", async () => {
  const seen = new Set<string>();
  for (const momentMs of momentsMs) {
    const isWhole = (text: string) =>
      text === textOf("old") || (text.startsWith("// old\n") && text.includes(`"new-${ruleCount - 1}"`));
    seen.add(await cut("save", { SaveConfig: {} }, momentMs, textOf("old"), isWhole));
  }
  // At least the first and the last moment lie on two sides of the rename.
  expect([...seen].sort()).toEqual(["new", "old"]);
}, 60_000);
