import { expect, test } from "bun:test";
import { judgeQueues, type QueueFacts } from "../../src/doctor/queues.ts";
import { commandLine } from "../../src/doctor/verdict.ts";

const queue = (at: number, rpsCores: number[] = []) => ({ name: `rx-${at}`, rpsCores });
const facts: QueueFacts = {
  link: "eth0",
  cores: [0, 1, 2, 3],
  workerCores: [],
  queues: [queue(0), queue(1), queue(2), queue(3)],
  channels: undefined,
  interrupts: [0, 1, 2, 3].map((core) => ({ number: 40 + core, cores: [core] })),
};

function told(changes: Partial<QueueFacts>) {
  return judgeQueues({ ...facts, ...changes }).map(({ id, severity, commands = [] }) => [
    id,
    severity,
    ...commands.map(commandLine),
  ]);
}

test("a queue a core, each with its own interrupt, is fine; so is any link on one core", () => {
  expect(told({})).toEqual([["queues", "fine"]]);
  expect(told({ cores: [0], queues: [queue(0)] })).toEqual([["queues", "fine"]]);
});

test("one queue: more if the card has them, else RPS over all cores", () => {
  const one = { queues: [queue(0)], interrupts: [] };
  expect(told(one)).toEqual([["queues", "note", "echo f > /sys/class/net/eth0/queues/rx-0/rps_cpus"]]);
  const combined = { receive: 0, receiveMax: 0, combined: 1, combinedMax: 8 };
  expect(told({ ...one, channels: combined })).toEqual([["queues", "note", "ethtool -L eth0 combined 4"]]);
  const separate = { receive: 1, receiveMax: 2, combined: 0, combinedMax: 0 };
  expect(told({ ...one, channels: separate })).toEqual([["queues", "note", "ethtool -L eth0 rx 2"]]);
  expect(told({ ...one, queues: [queue(0, [0, 1])] })).toEqual([["queues", "fine"]]);
  expect(told({ ...one, queues: [queue(0, [1])] })[0]?.[1]).toBe("note");
});

test("fewer queues than the card has and cores could take are noted", () => {
  const channels = { receive: 0, receiveMax: 0, combined: 2, combinedMax: 16 };
  expect(told({ queues: [queue(0), queue(1)], channels })).toEqual([["queues", "note", "ethtool -L eth0 combined 4"]]);
});

test("interrupts that all go to one core are a warning that spreads them", () => {
  const interrupts = [40, 41].map((number) => ({ number, cores: [2] }));
  expect(told({ queues: [queue(0), queue(1)], interrupts })).toEqual([
    ["interrupts", "warning", "echo 0 > /proc/irq/40/smp_affinity_list", "echo 1 > /proc/irq/41/smp_affinity_list"],
  ]);
});

test("interrupts on cores of workers go to free ones, when there are any", () => {
  expect(told({ workerCores: [2, 3] })[1]).toEqual([
    "interrupts",
    "note",
    "echo 0 > /proc/irq/42/smp_affinity_list",
    "echo 1 > /proc/irq/43/smp_affinity_list",
  ]);
  expect(told({ workerCores: [0, 1, 2, 3] })).toEqual([["queues", "fine"]]);
});
