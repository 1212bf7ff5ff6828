// The image as a container runtime builds and runs it. Podman needs no daemon; its store is in the trial's scratch folder.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Lab } from "../../test/helpers/namespaces.ts";
import { until } from "../../test/helpers/until.ts";
import { debianRoot } from "./debian-root.ts";
import { executableFor, expect, may, must, type Place, type Trial } from "./trial.ts";

const count = 500;
const inContainer = ["exec", "mcr", "/usr/bin/mcr-appliance"];
const add = [
  ...["add", "--input-interface", "in0", "--input-group", "239.1.1.1", "--input-port", "5000"],
  ...["--outputs", "239.2.2.2:5000:out0"],
];

/** Builds the image as its README says; on a base that is made here, because no registry is among the sources that are used. */
function build(place: Place, podman: (...words: string[]) => string[]): void {
  const context = join(place.scratch, "context");
  mkdirSync(context);
  for (const name of ["Dockerfile", "house"]) cpSync(join(place.root, "appliance/docker", name), join(context, name));
  cpSync(executableFor(place, "linux-x64"), join(context, "mcr-appliance"));
  const archive = join(place.scratch, "base.tar");
  must(["tar", "-C", debianRoot(place, "debian-root"), "-cf", archive, "."]);
  must(podman("import", archive, "docker.io/library/debian:12-slim"));
  const plain = ["--isolation", "chroot", "--network", "host"];
  must(podman("build", ...plain, "--format", "docker", "-t", "mcr-appliance", context));
}

/** What appliance/docker/README.md gives to `docker run`, and what a test bed may lack or forbid: systemd's timers, groups, higher limits. */
function runWords(place: Place, configuration: string): string[] {
  const readme = must(["cat", join(place.root, "appliance/docker/README.md")]);
  const [, given = ""] = /docker run -d ((?:.*\\\n)*.*) mcr-appliance$/m.exec(readme) ?? [];
  const words = given
    .replaceAll("\\\n", " ")
    .replace("--ulimit memlock=-1", "")
    .replace("seccomp=seccomp.json", `seccomp=${join(place.root, "appliance/docker/seccomp.json")}`)
    .replace("./mcr:", `${configuration}:`)
    .split(/ +/)
    .filter((word) => word !== "");
  expect("the README has a line to run it", words.length > 10);
  // Podman asks for 2^20 files and more, which takes a right that a test bed may not have.
  const limits = ["--ulimit", "nofile=16384:16384", "--ulimit", "nproc=1024:1024"];
  return ["run", "-d", ...words, "--cgroups", "disabled", "--no-healthcheck", ...limits, "mcr-appliance"];
}

async function relays(lab: Lab, place: Place, podman: (...words: string[]) => string[]): Promise<void> {
  lab.veth({ ns: "gen", link: "out0", address: "10.71.0.2/24" }, { ns: "relay", link: "in0", address: "10.71.0.1/24" });
  lab.veth(
    { ns: "relay", link: "out0", address: "10.72.0.1/24" },
    { ns: "sink", link: "in0", address: "10.72.0.2/24" },
  );
  const configuration = join(place.scratch, "mcr");
  mkdirSync(configuration);
  writeFileSync(join(configuration, "mcr.json5"), "{ rules: [] }");
  // ip(8) mounts another /sys, and the runtime looks for this there.
  const grouped = 'mount -t cgroup2 none /sys/fs/cgroup; exec "$@"';
  const command = podman(...runWords(place, configuration));
  must(["ip", "netns", "exec", lab.ns("relay"), "sh", "-ec", grouped, "sh", ...command]);
  const isUp = () => may(podman(...inContainer, "ping")).exitCode === 0;
  await until("it answers inside", isUp, Boolean, { deadlineMs: 20_000 });
  must(podman(...inContainer, ...add));
  const program = executableFor(place, "linux-x64");
  const far = ["--group", "239.2.2.2", "--port", "5000", "--interface", "in0"];
  const sink = lab.spawn("sink", [program, "sink", ...far, "--expect", `${count}`, "--duration", "20"]);
  await sink.says("ready\n", "stderr");
  const near = ["--group", "239.1.1.1", "--port", "5000", "--interface", "out0"];
  await lab.spawn("gen", [program, "gen", ...near, "--rate", "500", "--count", `${count}`]).succeed(20_000);
  await sink.succeed(20_000);
  const log = must(podman("logs", "mcr"));
  const wrong = log.split("\n").filter((line) => /"level":"(Warning|Error|Critical)"/.test(line));
  expect(`nothing is left to wish for: ${wrong.join("\n")}`, wrong.length === 0);
  expect(`it runs by io_uring: ${log}`, must(podman(...inContainer, "status")).includes("io_uring"));
}

export const container: Trial = {
  name: "podman",
  about: "the image built and run by Podman with the README's line, and a stream",
  run: async (place) => {
    const { exitCode, output } = may(["podman", "--version"]);
    if (exitCode !== 0) return { skipped: `'podman --version' says: ${output.trim()}` };
    const store = ["--root", join(place.scratch, "store"), "--runroot", join(place.scratch, "run")];
    const podman = (...words: string[]) => ["podman", ...store, "--storage-driver", "vfs", ...words];
    const lab = Lab.create("podman");
    try {
      build(place, podman);
      await relays(lab, place, podman);
      const began = performance.now();
      must(podman("stop", "mcr"));
      const tookMs = performance.now() - began;
      expect(`SIGTERM is enough: ${tookMs.toFixed(0)} ms`, tookMs < 5_000);
      return {
        ran: `${output.trim()}: built, ${count} datagrams, no warning in the log, stopped in ${tookMs.toFixed(0)} ms`,
      };
    } finally {
      may(podman("rm", "-f", "mcr"));
      await lab.close();
    }
  },
};
