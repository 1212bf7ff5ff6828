import { expect, test } from "bun:test";
import { limits } from "../../../src/limits.ts";
import { LossLines } from "../../../src/supervise/stats/loss-lines.ts";

type Fields = Record<string, unknown> | undefined;

function lines() {
  const kernelDrops = new Map<string, number>();
  const refusals: Record<string, number> = {};
  const output = { rule: "feed", where: "eth1 239.2.2.2:5001", counter: 0, drops: {} as Record<string, number> };
  const outputs = [output];
  const world = { nowMs: 0, said: [] as [string, Fields][] };
  const made = new LossLines({
    log: { say: (level, message, fields) => void world.said.push([`${level} ${message}`, fields]) },
    losses: () => ({ kernelDrops, refusals, outputs }),
    nowMs: () => world.nowMs,
  });
  const at = (ms: number) => {
    world.nowMs = ms;
    world.said = [];
    made.tick();
    return world.said;
  };
  return { kernelDrops, refusals, output, outputs, at, made, world };
}

test("nothing is said while nothing is lost, whatever a shared network carries", () => {
  const { refusals, at } = lines();
  refusals["not_ipv4"] = 100;
  expect(at(limits.lossFirstMs)).toEqual([]);
});

test("every kind of loss is named, with how much and in how long", () => {
  const { kernelDrops, refusals, output, at } = lines();
  kernelDrops.set("eth0", 12);
  refusals["vlan"] = 3;
  output.drops = { pending: 40, full: 0 };
  expect(at(limits.lossFirstMs - 1)).toEqual([]);
  expect(at(limits.lossFirstMs)).toEqual([
    ["Warning frames lost: the capture ring was full", { link: "eth0", frames: 12, seconds: 10 }],
    ["Warning frames refused", { vlan: 3, seconds: 10 }],
    [
      "Warning datagrams dropped at an output",
      { rule: "feed", output: "eth1 239.2.2.2:5001", pending: 40, seconds: 10 },
    ],
  ]);
});

test("what goes on is said once a minute, what is over not again", () => {
  const { kernelDrops, at } = lines();
  kernelDrops.set("eth0", 1);
  expect(at(limits.lossFirstMs)).toHaveLength(1);
  kernelDrops.set("eth0", 5);
  expect(at(limits.lossFirstMs * 2)).toEqual([]);
  expect(at(limits.lossFirstMs + limits.lossAgainMs)).toMatchObject([[expect.any(String), { frames: 4, seconds: 60 }]]);
  expect(at(limits.lossFirstMs + limits.lossAgainMs * 2)).toEqual([]);
  kernelDrops.set("eth0", 6);
  expect(at(limits.lossFirstMs * 2 + limits.lossAgainMs * 2)).toHaveLength(1);
});

test("hundreds of outputs do not flood the log", () => {
  const { output, outputs, at } = lines();
  outputs.length = 0;
  for (let counter = 0; counter < 100; counter++) outputs.push({ ...output, counter, drops: { full: 1 } });
  const said = at(limits.lossFirstMs);
  expect(said).toHaveLength(limits.lossLinesMax + 1);
  expect(said.at(-1)?.[0]).toContain("90 more");
});

test("the end says what has not been said", () => {
  const { kernelDrops, made, world } = lines();
  kernelDrops.set("eth0", 1);
  made.look();
  expect(world.said).toHaveLength(1);
});
