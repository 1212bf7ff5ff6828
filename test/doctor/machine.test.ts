// Machine and the gatherers on a tree of files as a machine with a real card has it.
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkLinks } from "../../src/doctor/link-checks.ts";
import { cpuList, cpuMask, Machine } from "../../src/doctor/machine.ts";
import type { Native } from "../../src/doctor/native.ts";
import type { Place } from "../../src/doctor/place.ts";
import { checkRouting } from "../../src/doctor/routing-check.ts";

const root = mkdtempSync(join(tmpdir(), "mcr-doctor-"));
afterAll(() => rmSync(root, { recursive: true }));

function files(texts: Record<string, string>): void {
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
  }
}

const device = "/sys/devices/pci0000:00/0000:00:03.0";
files({
  "/proc/self/net/dev": "Inter-|   Receive\n face |bytes\n  eth0: 1 2\neth0.5: 0 0\n",
  "/proc/interrupts":
    "     CPU0 CPU1\n 37: 0 0 PCI eth0-config\n 38: 5 9 PCI eth0-rx0\n 39: 0 7 PCI eth0-rx1\nNMI: 0 0\n",
  "/proc/irq/37/effective_affinity_list": "0\n",
  "/proc/irq/38/effective_affinity_list": "1\n",
  "/proc/irq/39/smp_affinity_list": "1\n",
  "/proc/sys/net/ipv4/conf/all/rp_filter": "1\n",
  "/proc/sys/net/ipv4/conf/eth0/rp_filter": "0\n",
  "/proc/sys/net/ipv4/conf/eth0/mc_forwarding": "0\n",
  "/proc/sys/net/ipv4/conf/eth0.5/mc_forwarding": "1\n",
  "/sys/devices/system/cpu/online": "0-1\n",
  [`${device}/msi_irqs/37`]: "msix\n",
  [`${device}/msi_irqs/38`]: "msix\n",
  [`${device}/msi_irqs/39`]: "msix\n",
  "/sys/class/net/bonding_masters": "\n",
  "/sys/class/net/eth0/ifindex": "2\n",
  "/sys/class/net/eth0/flags": "0x1003\n",
  "/sys/class/net/eth0/carrier": "1\n",
  "/sys/class/net/eth0/queues/rx-0/rps_cpus": "0\n",
  "/sys/class/net/eth0/queues/rx-1/rps_cpus": "0\n",
  "/sys/class/net/eth0/queues/tx-0/xps_cpus": "0\n",
  "/sys/class/net/eth0.5/ifindex": "3\n",
  "/sys/class/net/eth0.5/uevent": "DEVTYPE=vlan\nINTERFACE=eth0.5\n",
});
mkdirSync(`${root}${device}/virtio0`);
symlinkSync(`../../../..${device}/virtio0`, `${root}/sys/class/net/eth0/device`);
symlinkSync("../eth0.5", `${root}/sys/class/net/eth0/upper_eth0.5`);

const feature = (isOn: boolean) => ({ isOn, isFixed: false });
const native: Native = {
  libraryNote: undefined,
  ring: () => ({ error: undefined, isMultishot: true, isDeferring: true, isGathering: true }),
  captureError: () => undefined,
  ebpfError: () => undefined,
  driver: () => ({
    features: new Map([
      ["rx-vlan-hw-parse", feature(false)],
      ["tx-checksum-ipv4", feature(true)],
    ]),
    channels: undefined,
  }),
  hasFileCapabilities: () => false,
  isClockSynchronised: () => true,
  queriers: () => new Map(),
};

const place = (named: string[]): Place => ({
  machine: new Machine(root),
  native,
  supervisor: { kind: "absent", text: "nobody." },
  subject: { kind: "self", pid: 1, folder: "/proc/self" },
  named,
  inputs: [],
  outputs: [],
  socketPath: "/run/mcr/control.sock",
  executable: "/usr/bin/mcr-appliance",
  environment: {},
});

test("a card with two queues whose interrupts go to one core, with a VLAN on it and its tags taken off by the CPU", () => {
  const verdicts = checkLinks(place(["eth0"]));
  expect(verdicts.map(({ id, severity }) => `${id} ${severity}`)).toEqual([
    "link fine",
    "gro fine",
    "vlan-offload note",
    "gso fine",
    "interrupts warning",
    "rp-filter fine",
  ]);
  // The interrupt that never came is not its receive queues'.
  expect(verdicts.find(({ id }) => id === "interrupts")?.commands).toEqual([
    { write: "0", to: "/proc/irq/38/smp_affinity_list" },
    { write: "1", to: "/proc/irq/39/smp_affinity_list" },
  ]);
});

test("a link that is not there is guessed at; without any link there is nothing to look at", () => {
  expect(checkLinks(place(["eth9"]))).toMatchObject([
    { id: "link", severity: "error", what: expect.stringContaining("Did you mean 'eth0'?") },
  ]);
  expect(checkLinks(place([]))).toMatchObject([{ id: "links", severity: "unseen" }]);
});

test("a link that routes multicast in another table than the file shows is found by its setting", () => {
  expect(checkRouting(place(["eth0.5"]))).toMatchObject([
    { severity: "warning", what: "The kernel routes multicast from eth0.5 by itself." },
  ]);
  expect(checkRouting(place(["eth0"]))).toMatchObject([{ severity: "note" }]);
});

test("files that are not there are undefined and no refusal; numbers are numbers", () => {
  const machine = new Machine(root);
  expect([machine.text("/nowhere"), machine.refusal("/nowhere"), machine.names("/nowhere")]).toEqual([
    undefined,
    undefined,
    [],
  ]);
  expect(machine.setting("net.ipv4.conf.all.rp_filter")).toBe(1);
  expect(machine.number("/sys/class/net/eth0/flags")).toBe(0x1003);
  expect(machine.number("/sys/class/net/eth0.5/uevent")).toBeUndefined();
  expect(machine.real("/sys/class/net/eth0/device")).toBe(`${device}/virtio0`);
  expect(machine.about("/proc/interrupts")).toMatchObject({ isSocket: false });
});

test("lists and masks of processors", () => {
  expect(cpuList("0-2,5")).toEqual([0, 1, 2, 5]);
  expect(cpuList("")).toEqual([]);
  expect(cpuMask([0, 1])).toBe("3");
  expect(cpuMask([31])).toBe("80000000");
  expect(cpuMask([0, 32, 65])).toBe("2,00000001,00000001");
});
