// A bare machine: a Debian with nothing but kernel, init and our package, that boots by itself, relays, restarts, and loses its power.
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Lab } from "../../test/helpers/namespaces.ts";
import { until } from "../../test/helpers/until.ts";
import { type Architecture, debianRoot, inside } from "./debian-root.ts";
import { emulating } from "./emulation.ts";
import { answering, diskOf, emulatorOf, Machine, type MachineFiles } from "./machine.ts";
import { packageOf } from "./package.ts";
import { executableFor, expect, may, must, type Place, type Trial, type Verdict } from "./trial.ts";

/** What an emulated processor keeps up with. */
const count = 3_000;
const rate = "500";
const neighbours = ["gen", "sink1", "sink2"];
/** The generator's is none that the machine has a route to. */
const addresses = ["192.0.2.9/24", "10.0.2.2/24", "10.0.3.2/24"];

/** A root with the package installed, addresses on its links, and the service that answers us; as a disk. */
function files(place: Place, architecture: Architecture): MachineFiles {
  const root = debianRoot(place, architecture === "amd64" ? "machine-root" : "arm64-root");
  const at = (path: string) => join(root, path);
  must(["cp", packageOf(place, architecture), at("mcr.deb")]);
  const install = () => inside(root, "dpkg", "-i", "/mcr.deb");
  if (architecture === "amd64") install();
  else emulating(install);
  for (const [index, address] of ["10.0.1.1/24", "10.0.2.1/24", "10.0.3.1/24"].entries())
    writeFileSync(
      at(`etc/systemd/network/eth${index}.network`),
      `[Match]\nName=eth${index}\n[Network]\nAddress=${address}\nLinkLocalAddressing=no\n`,
    );
  mkdirSync(at("usr/local/lib"), { recursive: true });
  writeFileSync(at("usr/local/lib/trial"), answering.script);
  writeFileSync(at("etc/systemd/system/trial.service"), answering.unit);
  must(["systemctl", "--root", root, "enable", "trial.service", "systemd-networkd.service"]);
  appendFileSync(at("etc/fstab"), "/dev/vda / ext4 errors=panic 0 1\n");
  const boot = readdirSync(at("boot"));
  const named = (prefix: string) => at(`boot/${boot.find((name) => name.startsWith(prefix))}`);
  const disk = diskOf(root, join(place.scratch, "disk"));
  return { architecture, kernel: named("vmlinuz"), initrd: named("initrd"), disk };
}

/** The service is ready, its rules run, and what enters one NIC leaves by both others: every datagram, once, intact. */
async function forwards(lab: Lab, machine: Machine, place: Place, rules: number): Promise<void> {
  const patience = { deadlineMs: 180_000, everyMs: 500 };
  // Nothing else of the boot is under way: "degraded" is an end of it, too.
  await machine.may("systemctl is-system-running --wait", 120_000);
  await until("mcr.service is ready", () => machine.must("systemctl is-active mcr"), Boolean, patience);
  const isActive = (text: string) => text.match(/\bactive\b/g)?.length === rules;
  await until(`${rules} active rules`, () => machine.must("mcr-appliance list"), isActive, patience);
  const program = executableFor(place, "linux-x64");
  const sinks = ["sink1", "sink2"].map((ns, index) => {
    const flow = ["--group", `239.2.2.${index + 1}`, "--port", "5000", "--interface", "eth0"];
    return lab.spawn(ns, [program, "sink", ...flow, "--expect", `${count}`, "--duration", "30"]);
  });
  for (const sink of sinks) await sink.says("ready\n", "stderr");
  const flow = ["--group", "239.1.1.1", "--port", "5000", "--interface", "eth0"];
  await lab.spawn("gen", [program, "gen", ...flow, "--rate", rate, "--count", `${count}`]).succeed(60_000);
  // Their exit codes say whether all came, once, in order and intact.
  for (const sink of sinks) {
    const { exitCode, stdout } = await sink.finish(60_000);
    if (exitCode !== 0) throw new Error(`the sink: ${stdout}${(await machine.may("mcr-appliance stats")).output}`);
  }
}

const add =
  "mcr-appliance add --name feed --input-interface eth0 --input-group 239.1.1.1 --input-port 5000 " +
  "--outputs 239.2.2.1:5000:eth1,239.2.2.2:5000:eth2";
const addMore =
  "mcr-appliance add --name more --input-interface eth0 --input-group 239.1.1.9 --input-port 5000 --outputs 239.2.2.9:5000:eth1";

/** The machine's whole life, a line a step. */
async function live(lab: Lab, machine: Machine, place: Place): Promise<string[]> {
  const steps: string[] = [];
  const step = async (what: string, work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    steps.push(`${what} ${((performance.now() - began) / 1000).toFixed(0)} s`);
    process.stdout.write(`   ${steps.at(-1)}\n`);
  };
  await step("boots and is ready", async () => {
    await machine.start();
    await machine.must("timeout 60 sh -c 'until systemctl is-active mcr; do sleep 0.2; done'", 90_000);
  });
  await machine.must(add);
  await machine.must("mcr-appliance config save");
  await step(`${count} datagrams to each of two links`, () => forwards(lab, machine, place, 1));
  await step("the same after a reboot", async () => {
    await machine.reboot();
    await forwards(lab, machine, place, 1);
  });
  await machine.must(addMore);
  await machine.must("mcr-appliance config save");
  await step("after a power cut, with the rule saved last", async () => {
    await machine.cut();
    await machine.start();
    await forwards(lab, machine, place, 2);
  });
  expect("no file of a broken save is left", (await machine.must("ls /etc/mcr")).split("\n").every(isKnown));
  return steps;
}

const isKnown = (name: string) => ["", "mcr.json5", "conf.d"].includes(name);

/** The trial of a machine of `architecture`, emulated where this one is another, or has no KVM that boots it. */
async function tryMachine(place: Place, architecture: Architecture): Promise<Verdict> {
  const emulator = emulatorOf(architecture);
  const { exitCode, output } = may([emulator, "--version"]);
  if (exitCode !== 0)
    return { skipped: `'${emulator} --version' says: ${output.trim()}; npm run appliance:vm installs it` };
  if (!existsSync("/dev/net/tun")) return { skipped: "this machine has no /dev/net/tun for the NICs' other ends" };
  const disk = files(place, architecture);
  const lab = Lab.create("vm");
  const machine = new Machine(lab, disk);
  try {
    machine.connect(neighbours, addresses);
    const steps = await live(lab, machine, place);
    return { ran: `${machine.processor}: ${steps.join("; ")}` };
  } finally {
    await machine.cut();
    await lab.close();
  }
}

export const bareMachine: Trial = {
  name: "vm",
  about: "a bare machine under qemu: boots to ready, relays, restarts, loses its power",
  run: (place) => tryMachine(place, "amd64"),
};

export const bareArm64: Trial = {
  name: "vm-arm64",
  about: "the same with a machine for arm64",
  run: (place) => tryMachine(place, "arm64"),
};
