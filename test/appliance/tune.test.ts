// The tuning script against a machine made of files and an ethtool made of shell: what it would do, does, and takes back.
import { afterAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run, runAnyway } from "../helpers/run.ts";

const folder = join(import.meta.dir, "../../appliance/tuning");
const dir = mkdtempSync(join(tmpdir(), "mcrt-tune-"));
afterAll(() => rmSync(dir, { recursive: true }));

const files: Record<string, string> = {
  "sys/devices/system/cpu/online": "0-2,33",
  "proc/sys/net/core/rmem_max": "212992",
  "proc/sys/net/core/wmem_max": "99999999",
  "proc/sys/net/core/netdev_max_backlog": "1000",
  "proc/sys/net/core/optmem_max": "20480",
  "proc/sys/net/core/netdev_budget": "300",
  "proc/sys/net/core/netdev_budget_usecs": "2000",
  "sys/class/net/eth0/queues/rx-0/rps_cpus": "0,00000000",
  "sys/class/net/eth0/device/msi_irqs/40": "",
  "sys/class/net/eth0/device/msi_irqs/41": "",
  "proc/irq/40/smp_affinity_list": "2",
  "proc/irq/41/smp_affinity_list": "2",
};

/** Speaks as ethtool 6.1 does of a card with rings, queues, coalescing and GRO; keeps its settings in files, and a list of orders. */
const ethtool = `#!/bin/sh
case "$1" in -[GLCKN]) echo "$*" >>"$MACHINE/orders"; [ "$*" != "$REFUSE" ] ;; esac || exit 1
case "$1" in
-g) printf 'Ring parameters for eth0:\\nPre-set maximums:\\nRX:\\t\\t4096\\nRX Mini:\\tn/a\\nTX:\\t\\t512\\nCurrent hardware settings:\\nRX:\\t\\t256\\nRX Mini:\\tn/a\\nTX:\\t\\t512\\n' ;;
-l) printf 'Channel parameters for eth0:\\nPre-set maximums:\\nRX:\\t\\tn/a\\nCombined:\\t8\\nCurrent hardware settings:\\nRX:\\t\\tn/a\\nCombined:\\t1\\n' ;;
-c) printf 'Coalesce parameters for eth0:\\nAdaptive RX: off  TX: n/a\\nrx-usecs:\\t3\\nrx-frames:\\t0\\n' ;;
-k) printf 'Features for eth0:\\nlarge-receive-offload: off [fixed]\\nrx-gro-list: off\\nrx-udp-gro-forwarding: on\\n' ;;
-n) printf 'UDP over IPV4 flows use these fields for computing Hash flow key:\\nIP SA\\nIP DA\\n' ;;
esac
`;

let machines = 0;

function machine(refuse = "") {
  machines += 1;
  const root = join(dir, String(machines));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "run"));
  writeFileSync(join(root, "bin/ethtool"), ethtool);
  chmodSync(join(root, "bin/ethtool"), 0o755);
  const tune = (...args: string[]) =>
    runAnyway([
      ...["env", `MACHINE=${root}`, `PATH=${join(root, "bin")}:${process.env["PATH"]}`, `REFUSE=${refuse}`],
      // Not by the environment: a name that the script does not know would let it loose on this machine.
      ...[join(folder, "tune"), "--root", root, ...args],
    ]);
  const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8").trim() : "");
  const state = () => Object.keys(files).map((path) => read(path));
  return { tune, read, state, orders: () => read("orders").split("\n").filter(Boolean) };
}

test("it says what it would change, and changes nothing", () => {
  const { tune, state, orders } = machine();
  const before = state();
  const { stdout, exitCode } = tune("10g", "eth0");
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
  expect([exitCode, state(), orders()]).toEqual([0, before, []]);
});

test("it changes it, refuses to forget what was before, and puts it back in the opposite order", () => {
  const { tune, read, state, orders } = machine();
  const before = state();
  expect(tune("--apply", "10g", "eth0").exitCode).toBe(0);
  expect(read("proc/sys/net/core/rmem_max")).toBe("67108864");
  // Larger than wanted: nobody asked to make it smaller.
  expect(read("proc/sys/net/core/wmem_max")).toBe("99999999");
  expect(read("proc/irq/41/smp_affinity_list")).toBe("1");
  expect(read("sys/class/net/eth0/queues/rx-0/rps_cpus")).toBe("00000002,00000007");
  const done = ["-G eth0 rx 4096", "-L eth0 combined 4", "-K eth0 rx-udp-gro-forwarding off", "-C eth0 rx-usecs 25"];
  expect(orders()).toEqual(done);

  const again = tune("--apply", "1g", "eth0");
  expect([again.exitCode, again.stderr]).toEqual([64, expect.stringContaining("something is applied already")]);

  const back = tune("--undo");
  expect([back.exitCode, back.stdout.split("\n")[0]]).toEqual([0, "  back: eth0: RPS 0,00000000 -> 00000002,00000007"]);
  expect(state()).toEqual(before);
  expect(orders().slice(4)).toEqual([
    ...["-C eth0 rx-usecs 3", "-K eth0 rx-udp-gro-forwarding on", "-L eth0 combined 1", "-G eth0 rx 256"],
  ]);
  expect(tune("--undo").stdout).toBe("nothing is applied\n");
});

test("what a card refuses takes back all that was done before it", () => {
  const { tune, state, orders } = machine("-L eth0 combined 4");
  const before = state();
  const { exitCode, stderr } = tune("--apply", "10g", "eth0");
  expect([exitCode, stderr]).toEqual([71, expect.stringContaining("could not be changed: eth0: queues 1 -> 4")]);
  expect(state()).toEqual(before);
  expect(orders()).toEqual(["-G eth0 rx 4096", "-L eth0 combined 4", "-G eth0 rx 256"]);
  expect(tune("--undo").stdout).toBe("nothing is applied\n");
});

test.each([
  ["an unknown profile", ["100g"], "usage: "],
  ["no profile", [], "usage: "],
  ["a link that is not there", ["1g", "eth9"], "link eth9 does not exist"],
  ["a name that a shell would read", ["1g", "eth0;reboot"], "is no name that this script takes"],
])("%s is refused", (_, args, words) => {
  const { tune, orders } = machine();
  const { exitCode, stderr } = tune("--apply", ...args);
  expect([exitCode, stderr, orders()]).toEqual([64, expect.stringContaining(words), []]);
});

test("each profile is for something: 'flows' hashes with ports, '1g' leaves queues alone", () => {
  const { tune } = machine();
  expect(tune("flows", "eth0").stdout).toContain("hash of UDP sd -> sdfn");
  expect(tune("1g", "eth0").stdout).not.toContain("queues");
});

test("the sysctl file never lowers what the profiles raise, and shellcheck has nothing to say", () => {
  const { tune } = machine();
  const profile = tune("1g").stdout;
  const lines = readFileSync(join(folder, "60-mcr.conf"), "utf8").matchAll(/^([a-z.0-9_]+) = ([0-9]+)$/gm);
  for (const [, name, value] of lines) {
    if (name !== "net.core.wmem_max")
      expect(profile).toContain(`${name}: ${files[`proc/sys/${name?.replaceAll(".", "/")}`]} -> ${value}`);
  }
  run(["shellcheck", "-s", "dash", join(folder, "tune")]);
});
