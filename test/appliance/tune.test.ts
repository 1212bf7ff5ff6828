// The tuning script against a machine made of files and an ethtool made of shell: what it would do, does, and takes back.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../helpers/run.ts";
import { machineFiles, TunedMachine } from "../helpers/tuned-machine.ts";

const folder = join(import.meta.dir, "../../appliance/tuning");
const dir = mkdtempSync(join(tmpdir(), "mcrt-tune-"));
afterAll(() => rmSync(dir, { recursive: true }));

let machines = 0;

function machine(refuse = ""): TunedMachine {
  machines += 1;
  return new TunedMachine(join(dir, String(machines)), refuse);
}

test("it says what it would change, and changes nothing", () => {
  const box = machine();
  const before = box.state();
  const { stdout, exitCode } = box.tune("10g", "eth0");
  expect(stdout.trim().split("\n")).toEqual([
    "profile 10g:",
    "  net.core.rmem_max: 212992 -> 67108864",
    "  net.core.netdev_max_backlog: 1000 -> 50000",
    "  net.core.optmem_max: 20480 -> 131072",
    "  net.core.netdev_budget: 300 -> 600",
    "  net.core.netdev_budget_usecs: 2000 -> 8000",
    "  eth0: rx ring 256 -> 4096",
    "  eth0: queues 1 -> 4",
    "  eth0: rx-udp-gro-forwarding on -> off",
    "  eth0: interrupt after 3 -> 25 us",
    "  eth0: interrupt 40 on core 2 -> 0",
    "  eth0: interrupt 41 on core 2 -> 1",
    "  eth0: RPS 0,00000000 -> 00000002,00000007",
  ]);
  expect([exitCode, box.state(), box.orders()]).toEqual([0, before, []]);
});

test("it changes it, refuses to forget what was before, and puts it back in the opposite order", () => {
  const box = machine();
  const before = box.state();
  expect(box.tune("--apply", "10g", "eth0").exitCode).toBe(0);
  expect(box.read("proc/sys/net/core/rmem_max")).toBe("67108864");
  // Larger than wanted: nobody asked to make it smaller.
  expect(box.read("proc/sys/net/core/wmem_max")).toBe("99999999");
  expect(box.read("proc/irq/41/smp_affinity_list")).toBe("1");
  expect(box.read("sys/class/net/eth0/queues/rx-0/rps_cpus")).toBe("00000002,00000007");
  const done = ["-G eth0 rx 4096", "-L eth0 combined 4", "-K eth0 rx-udp-gro-forwarding off", "-C eth0 rx-usecs 25"];
  expect(box.orders()).toEqual(done);

  const again = box.tune("--apply", "1g", "eth0");
  expect([again.exitCode, again.stderr]).toEqual([64, expect.stringContaining("something is applied already")]);

  const back = box.tune("--undo");
  expect([back.exitCode, back.stdout.split("\n")[0]]).toEqual([0, "  back: eth0: RPS 0,00000000 -> 00000002,00000007"]);
  expect(box.state()).toEqual(before);
  expect(box.orders().slice(4)).toEqual([
    ...["-C eth0 rx-usecs 3", "-K eth0 rx-udp-gro-forwarding on", "-L eth0 combined 1", "-G eth0 rx 256"],
  ]);
  expect(box.tune("--undo").stdout).toBe("nothing is applied\n");
});

test("what a card refuses takes back all that was done before it", () => {
  const box = machine("-L eth0 combined 4");
  const before = box.state();
  const { exitCode, stderr } = box.tune("--apply", "10g", "eth0");
  expect([exitCode, stderr]).toEqual([71, expect.stringContaining("could not be changed: eth0: queues 1 -> 4")]);
  expect(box.state()).toEqual(before);
  expect(box.orders()).toEqual(["-G eth0 rx 4096", "-L eth0 combined 4", "-G eth0 rx 256"]);
  expect(box.tune("--undo").stdout).toBe("nothing is applied\n");
});

test.each([
  ["an unknown profile", ["100g"], "usage: "],
  ["no profile", [], "usage: "],
  ["a link that is not there", ["1g", "eth9"], "link eth9 does not exist"],
  ["a name that a shell would read", ["1g", "eth0;reboot"], "is no name that this script takes"],
])("%s is refused", (_, args, words) => {
  const box = machine();
  const { exitCode, stderr } = box.tune("--apply", ...args);
  expect([exitCode, stderr, box.orders()]).toEqual([64, expect.stringContaining(words), []]);
});

test("each profile is for something: 'flows' hashes with ports, '1g' leaves queues alone", () => {
  const box = machine();
  expect(box.tune("flows", "eth0").stdout).toContain("hash of UDP sd -> sdfn");
  expect(box.tune("1g", "eth0").stdout).not.toContain("queues");
});

test("the sysctl file never lowers what the profiles raise, and shellcheck has nothing to say", () => {
  const box = machine();
  const profile = box.tune("1g").stdout;
  const lines = readFileSync(join(folder, "60-mcr.conf"), "utf8").matchAll(/^([a-z.0-9_]+) = ([0-9]+)$/gm);
  for (const [, name, value] of lines) {
    if (name !== "net.core.wmem_max")
      expect(profile).toContain(`${name}: ${machineFiles[`proc/sys/${name?.replaceAll(".", "/")}`]} -> ${value}`);
  }
  run(["shellcheck", "-s", "dash", join(folder, "tune")]);
});
