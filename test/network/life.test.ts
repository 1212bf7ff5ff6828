// Starts, stops and sudden deaths: how quick they are, and that nothing is left behind. Wants quiet: each has a second.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { isAlive } from "../helpers/alive.ts";
import { binary, Relay } from "../helpers/relay.ts";
import { bench, generate } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";

const lab = bench("life");
afterEach(() => lab.endAll());
afterAll(() => lab.close());

const rule = {
  ...{ name: "feed", input_interface: "in0", input_group: "239.1.1.1", input_port: 5000 },
  outputs: [{ group: "239.2.2.2", port: 5001, interface: "out0" }],
};
const memberships = () => lab.read("relay", "/proc/net/igmp");
const packetSockets = () => lab.read("relay", "/proc/net/packet");

// A /tmp and a /dev/shm that nobody else writes to; the lab's own directory stays where it was.
const [tmp, shm] = [join(lab.dir, "tmp"), join(lab.dir, "shm")];
const ours = join(tmp, basename(lab.dir));
// The checkout itself may lie in /tmp, and is then out of sight too: a copy of the binary stands in for it.
const copy = join(lab.dir, basename(binary));
const script =
  `mount --bind "${lab.dir}" "${ours}" && mount --rbind "${tmp}" /tmp && mount --bind "${shm}" /dev/shm || exit; ` +
  `if [ "$1" = "${binary}" ]; then shift; set -- "${copy}" "$@"; fi; exec "$@"`;
const under = ["sh", "-c", script, "sh"];
beforeAll(() => {
  mkdirSync(ours, { recursive: true });
  mkdirSync(shm);
  copyFileSync(binary, copy);
});

test("a file left in /tmp or /dev/shm would be seen", () => {
  lab.exec("relay", [...under, "sh", "-c", "touch /tmp/left /dev/shm/left; rm /tmp/left"]);
  expect([readdirSync(tmp), readdirSync(shm)]).toEqual([[basename(lab.dir)], ["left"]]);
  lab.exec("relay", [...under, "rm", "/dev/shm/left"]);
});

test("50 starts and stops: each ready and ended within a second, with exit code 0, and nothing is left", async () => {
  const before = memberships();
  const readyMs: number[] = [];
  for (let turn = 0; turn < 50; turn++) {
    const relay = await Relay.start(lab, "relay", ["--pipeline", turn % 2 === 0 ? "split" : "unified"], { under });
    readyMs.push(relay.readyMs);
    await relay.must({ AddRule: rule });
    if (turn % 10 === 0) {
      await generate(lab, "gen", [
        ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "max", "--count", "2000"],
      ]);
    }
    expect(memberships()).not.toBe(before);
    // Checks the exit code, the second, the socket file and the processes.
    await relay.stop(1000);
    expect(memberships()).toBe(before);
    expect(lab.pids("relay")).toEqual([]);
  }
  readyMs.sort((a, b) => a - b);
  console.log(
    `ready after ${readyMs[0]?.toFixed()} to ${readyMs.at(-1)?.toFixed()} ms, median ${readyMs[25]?.toFixed()}`,
  );
  expect(readyMs.at(-1)).toBeLessThan(1000);
  expect(packetSockets().trim().split("\n")).toHaveLength(1);
  expect([readdirSync(tmp), readdirSync(shm)]).toEqual([[basename(lab.dir)], []]);
});

test("SIGINT stops as SIGTERM does", async () => {
  const relay = await Relay.start(lab, "relay");
  relay.signal("SIGINT");
  expect((await relay.finish(1000)).exitCode).toBe(0);
});

test("Ctrl-C, which reaches the whole process group, ends it in order too", async () => {
  const relay = await Relay.start(lab, "relay", [], { under: ["setsid"] });
  process.kill(-relay.pid, "SIGINT");
  expect((await relay.finish(1000)).exitCode).toBe(0);
});

test("what was captured before SIGTERM still goes out", async () => {
  const relay = await Relay.start(lab, "relay", ["--workers", "1"]);
  await relay.must({ AddRule: rule });
  const count = 3000;
  await generate(lab, "gen", [
    ...["--group", "239.1.1.1", "--port", "5000", "--interface", "out0", "--rate", "max", "--count", `${count}`],
  ]);
  const log = await relay.stop();
  expect(log).toContain(`matched=${count} `);
  expect(log).toContain(`[STATS:Egress FINAL] total: sent=${count} `);
});

test.each(["split", "unified"])(
  "%s: when the supervisor is killed, workers are gone within a second",
  async (pipeline) => {
    const before = memberships();
    const relay = await Relay.start(lab, "relay", ["--workers", "2", "--pipeline", pipeline]);
    await relay.must({ AddRule: rule });
    const workers = relay.workerPids();
    expect(workers).toHaveLength(2);
    relay.signal("SIGKILL");
    await until("no worker is left", () => !workers.some(isAlive), Boolean, { deadlineMs: 1000 });
    expect((await relay.finish()).exitCode).toBe(137);
    expect(memberships()).toBe(before);
    expect(lab.pids("relay")).toEqual([]);
  },
);

test("a successor takes over the socket file that a killed supervisor left", async () => {
  const first = await Relay.start(lab, "relay");
  first.signal("SIGKILL");
  await first.finish();
  const { socketPath } = first;
  const second = await Relay.start(lab, "relay", [], { socketPath });
  await second.must("Ping");
  await second.stop();
});
