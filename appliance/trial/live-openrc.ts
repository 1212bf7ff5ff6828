// A life under OpenRC: openrc-init as process 1 of a Debian that has it for an init system, supervise-daemon over the relay.
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { until } from "../../test/helpers/until.ts";
import { forwards, onLiveRoot, proveEnded, rule } from "./live.ts";
import { type LiveRoot, openrc } from "./live-root.ts";
import { executableFor, expect, type Place, type Trial } from "./trial.ts";

type At = (path: string) => string;

/** OpenRC gives up after 10 when nobody tells it otherwise; our script does. */
const crashes = 11;

/** The rule of a new file, and nothing of a wrong one; what is wrong is said. */
async function proveReload(live: LiveRoot, at: At): Promise<void> {
  const configuration = at("etc/mcr/mcr.json5");
  writeFileSync(configuration, `{ rules: [${rule(5000)}] }`);
  live.must("rc-service", "mcr", "reload");
  await forwards(live);
  writeFileSync(configuration, "{ rules: 7 }");
  const told = live.may("sh", "-c", "rc-service mcr reload && echo reloaded");
  expect(`a reload with a wrong file fails: ${told}`, !told.includes("reloaded"));
  expect(`and says where: ${told}`, told.includes("mcr.json5:1:10: rules must be a list"));
  writeFileSync(configuration, `{ rules: [${rule(5000)}] }`);
  await forwards(live);
}

/** supervise-daemon starts it again as often as it is killed. */
async function proveRespawn(live: LiveRoot): Promise<void> {
  const pid = () => live.may("cat", "/run/openrc/options/mcr/child_pid").trim();
  const isUp = () => live.may("mcr-appliance", "ping") !== "" && pid();
  for (let crash = 0; crash < crashes; crash += 1) {
    const before = pid();
    live.must("sh", "-c", `kill -KILL ${before}`);
    await until("another runs", isUp, (now) => now !== before, { deadlineMs: 20_000 });
  }
  await forwards(live);
  expect("OpenRC knows that it runs", live.must("rc-service", "mcr", "status").includes("started"));
}

/** Stopped, it leaves nothing that runs; added to a runlevel, it is there after a boot. */
async function proveReturn(live: LiveRoot, place: Place): Promise<void> {
  live.must("rc-service", "mcr", "stop");
  proveEnded(live);
  expect("its socket is gone", live.must("ls", "/run/mcr").trim() === "");
  live.must("rc-update", "add", "mcr", "default");
  await live.reboot(place);
  await forwards(live);
}

export const liveOpenrc: Trial = {
  name: "live-openrc",
  about: "install and uninstall under a running OpenRC: a stream, reloads, crashes, a reboot",
  run: async (place) => {
    await onLiveRoot(place, "openrc-root", openrc, async (live, at) => {
      cpSync(executableFor(place, "linux-x64"), at("root/mcr-appliance"));
      const told = live.must("/root/mcr-appliance", "install");
      expect(`it knows OpenRC: ${told}`, told.includes("/etc/init.d/mcr"));
      expect(`there is a user mcr: ${told}`, live.must("id", "mcr").includes("(mcr)"));
      const started = live.must("rc-service", "mcr", "start");
      // That a limit is higher than it may set here is none of the script's faults.
      const complaints = started.replace(/.*(not permitted|unable to apply RC_ULIMIT).*\n/g, "");
      expect(`OpenRC has no complaint: ${started}`, !/too many|not found|unable/.test(complaints));
      await proveReload(live, at);
      await proveRespawn(live);
      await proveReturn(live, place);
      live.must("mcr-appliance", "uninstall", "--purge");
      proveEnded(live);
      const paths = [
        "etc/mcr",
        "etc/init.d/mcr",
        "etc/conf.d/mcr",
        "usr/bin/mcr-appliance",
        "etc/runlevels/default/mcr",
      ];
      const left = paths.filter((path) => existsSync(at(path)));
      expect(`no file is left: ${left.join(", ")}`, left.length === 0);
    });
    return { ran: `started, reloaded, forwarded, back after ${crashes} SIGKILLs and a reboot, gone but for its user` };
  },
};
