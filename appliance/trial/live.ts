// A life on a machine that runs: `mcr-appliance install`, and the Debian package, told to a systemd that is process 1 of namespaces of its own.
import { cpSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../test/helpers/until.ts";
import { debianRoot, type RootKind } from "./debian-root.ts";
import { type Init, LiveRoot, systemd } from "./live-root.ts";
import { nextVersion, packageOf } from "./package.ts";
import { executableFor, expect, type Place, type Trial } from "./trial.ts";

const program = "mcr-appliance";
const count = 500;

/** Text of a rule that `forwards` tries when `port` is 5000. */
export const rule = (port: number) =>
  `{ input: { interface: "in0", group: "239.1.1.1", port: ${port} }, ` +
  `outputs: [{ group: "239.2.2.2", port: ${port}, interface: "out0" }] }`;

type Work = (live: LiveRoot, at: (path: string) => string) => Promise<void>;

/** Boots a Debian of the trial's own, does `work` in it and takes it down; `at` says where a path of it is. */
export async function onLiveRoot(place: Place, kind: RootKind, init: Init, work: Work): Promise<void> {
  const root = debianRoot(place, kind);
  const live = new LiveRoot(root, init);
  try {
    await live.boot(place);
    await work(live, (path) => join(root, path));
  } finally {
    await live.end();
  }
}

/** Rules in the file, a reload: it forwards what it should, and a wrong file changes nothing. */
async function proveService(live: LiveRoot, at: (path: string) => string): Promise<void> {
  const configuration = at("etc/mcr/mcr.json5");
  writeFileSync(configuration, `{ rules: [${rule(5000)}] }`);
  live.must("systemctl", "reload", "mcr");
  await forwards(live);
  writeFileSync(configuration, "{ rules: 7 }");
  expect("a reload with a wrong file fails", live.may("systemctl", "reload", "mcr").includes("failed"));
  expect("and says where", live.must("journalctl", "-u", "mcr").includes("mcr.json5:1:10: rules must be a list"));
  writeFileSync(configuration, `{ rules: [${rule(5000)}] }`);
  await forwards(live);
}

/** A rule is active, and what enters comes out at the far end of the wire. */
export async function forwards(live: LiveRoot): Promise<void> {
  await until(
    "the rule is active",
    () => live.must(program, "list"),
    (text) => text.includes("active"),
    { deadlineMs: 20_000 },
  );
  const far = ["--group", "239.2.2.2", "--port", "5000", "--interface", "far0"];
  const sink = live.start(program, "sink", ...far, "--expect", `${count}`, "--duration", "20");
  try {
    await sink.says("ready\n", "stderr");
    const stream = ["--group", "239.1.1.1", "--port", "5000", "--interface", "gen0"];
    live.must(program, "gen", ...stream, "--rate", "500", "--count", `${count}`);
    // Its exit code says whether all came, once, in order and intact.
    await sink.succeed();
  } finally {
    await sink.end();
  }
}

/** It comes back after it was killed, and after the system has booted again. */
async function proveReturn(live: LiveRoot, place: Place): Promise<void> {
  const pid = () => live.must("systemctl", "show", "mcr", "-p", "MainPID", "--value").trim();
  const first = pid();
  live.must("sh", "-c", `kill -KILL ${first}`);
  const isAnother = () => pid() !== first && live.may("systemctl", "is-active", "mcr").trim() === "active";
  await until("systemd has started it again", isAnother, Boolean, { deadlineMs: 30_000 });
  await forwards(live);
  await live.reboot(place);
  await forwards(live);
}

export const liveInstall: Trial = {
  name: "live-install",
  about: "install and uninstall on a running system: systemd, users, a stream, a crash, a reboot",
  run: async (place) => {
    await onLiveRoot(place, "debian-root", systemd, async (live, at) => {
      cpSync(executableFor(place, "linux-x64"), at("root/mcr-appliance"));
      const foretold = live.must("/root/mcr-appliance", "install", "--dry-run");
      expect("a dry run writes nothing", !existsSync(at("usr/bin/mcr-appliance")));
      const told = live.must("/root/mcr-appliance", "install");
      const steps = (text: string) => text.split("\n").filter((line) => /^(write|run)/.test(line));
      expect("it does what the dry run said", steps(told).join() === steps(foretold).join());
      expect(`there is a user mcr: ${told}`, live.must("id", "mcr").includes("(mcr)"));
      expect("the group owns /etc/mcr", live.must("stat", "-c", "%G %a", "/etc/mcr").trim() === "mcr 2775");
      expect("the service rests", live.may("systemctl", "is-active", "mcr").trim() === "inactive");
      live.must("systemctl", "enable", "--now", "mcr");
      expect("it says what flows", live.must("systemctl", "status", "mcr").includes('Status: "0 of 0 flows move'));
      await proveService(live, at);
      await proveReturn(live, place);
      expect("again, it has nothing to do", live.must("/root/mcr-appliance", "install").includes("0 files written"));
      await forwards(live);
      live.must(program, "uninstall", "--purge");
      proveGone(live, at);
    });
    return { ran: "ready, reloaded, forwarded, back after SIGKILL and a reboot, gone but for its user" };
  },
};

export const livePackage: Trial = {
  name: "live-deb",
  about: ".deb on a running system: apt install, upgrade under a stream's rules, remove, purge",
  run: async (place) => {
    await onLiveRoot(place, "debian-root", systemd, async (live, at) => {
      const first = `mcr-appliance_${place.version}_amd64.deb`;
      cpSync(packageOf(place, "amd64"), at(`root/${first}`));
      cpSync(nextVersion(place, "amd64"), at("root/next.deb"));
      // The line of README.md.
      live.must("sh", "-c", `cd /root && DEBIAN_FRONTEND=noninteractive apt-get install -y ./${first}`);
      expect("it runs, without rules", live.must(program, "list").includes("no rules"));
      await proveService(live, at);
      const before = live.must("systemctl", "show", "mcr", "-p", "MainPID");
      live.must("dpkg", "--force-confold", "-i", "/root/next.deb");
      expect("the upgrade started it anew", live.must("systemctl", "show", "mcr", "-p", "MainPID") !== before);
      await forwards(live);
      await live.reboot(place);
      await forwards(live);
      live.must("dpkg", "--remove", program);
      expect("it has stopped", live.may("systemctl", "is-active", "mcr").trim() !== "active");
      expect("the configuration stays", existsSync(at("etc/mcr/mcr.json5")));
      live.must("dpkg", "--purge", program);
      proveGone(live, at);
    });
    return { ran: "started by the package, forwarded, upgraded, rebooted, stopped and gone" };
  },
};

/** No process, no file, no unit is left. */
function proveGone(live: LiveRoot, at: (path: string) => string): void {
  const places = ["etc/mcr", "usr/bin/mcr-appliance", "usr/lib/systemd/system/mcr.service", "etc/default/mcr"];
  const left = places.filter((path) => existsSync(at(path)));
  expect(`no file is left: ${left.join(", ")}`, left.length === 0);
  const wants = readdirSync(at("etc/systemd/system/multi-user.target.wants"));
  expect("nothing asks for the service", !wants.includes("mcr.service"));
  proveEnded(live);
  expect("systemd has forgotten it", live.may("systemctl", "show", "mcr", "-p", "LoadState").includes("not-found"));
}

/** No process of ours runs. */
export function proveEnded(live: LiveRoot): void {
  const processes = live.must("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
  expect(`no process is left: ${processes}`, !processes.includes("mcr-appliance supervise"));
}
