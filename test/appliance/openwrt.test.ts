// OpenWrt's files without OpenWrt: the init script with stubs for the functions of rc.common and procd, and the real translator;
// the package's Makefile with stubs for the build system.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseUci } from "../../src/ctl/uci/parse.ts";
import { translateUci } from "../../src/ctl/uci/translate.ts";
import { type Finished, run, runAnyway } from "../helpers/run.ts";
import { writeSourceBinary } from "../helpers/source-binary.ts";

const folder = join(import.meta.dir, "../../appliance/openwrt");
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const dir = mkdtempSync(join(tmpdir(), "mcrt-openwrt-"));
afterAll(() => rmSync(dir, { recursive: true }));

const program = join(dir, "mcr-appliance");
const runDir = join(dir, "run");
const translated = join(runDir, "mcr.json5");

/** `config_load` and its kin on the UCI file of the test, and procd's functions as lines that say what they were asked for. */
const stubs = `
config_load() { loaded=$1; }
config_foreach() { [ "$loaded" = network ] && for each in lan wan; do "$1" "$each"; done; }
network_flush_cache() { :; }
network_get_device() { case "$2" in lan) eval "$1=br-lan" ;; *) return 1 ;; esac; }
config_get() { eval "$1=\\$UCI_$3"; }
config_get_bool() { eval "$1=\\\${UCI_$3:-$4}"; }
procd_open_instance() { echo open; }
procd_close_instance() { echo close; }
procd_set_param() { echo "set $*"; }
procd_append_param() { echo "append $*"; }
procd_add_jail() { echo "jail $*"; }
procd_add_jail_mount() { echo "mount $*"; }
procd_add_jail_mount_rw() { echo "mount_rw $*"; }
procd_add_reload_trigger() { echo "trigger $*"; }
procd_add_raw_trigger() { echo "raw $*"; }
procd_send_signal() { echo "signal $*"; }
rc_procd() { "$@"; }
logger() { cat >&2; }
`;

const good = `
config mcr 'global'
	option enabled '1'
config rule 'feed'
	option interface 'lan'
	option group '239.1.1.1'
	option port '5000'
	list output '239.2.2.2:5001:eth1'
`;

beforeAll(() => {
  writeSourceBinary(program);
  mkdirSync(join(dir, "lib/functions"), { recursive: true });
  writeFileSync(join(dir, "lib/functions/network.sh"), "");
});

/** Runs one function of the init script; \`uci\` is /etc/config/mcr, \`global\` what config_get finds in its section. */
function call(name: string, uci = good, global: Record<string, string> = { enabled: "1" }): Finished {
  writeFileSync(join(dir, "mcr.uci"), uci);
  const script = read("mcr.init")
    .replaceAll("/usr/bin/mcr-appliance", program)
    .replaceAll("/var/run/mcr", runDir)
    .replaceAll("/lib/functions", join(dir, "lib/functions"))
    // The translator reads /etc/config/mcr unless it is told of another file.
    .replace('"$PROG" uci', `"$PROG" uci ${join(dir, "mcr.uci")}`);
  writeFileSync(join(dir, "script"), `${stubs}\n${script}\n${name}\n`);
  const variables = Object.entries(global).map(([key, value]) => `UCI_${key}=${value}`);
  return runAnyway(["env", ...variables, "sh", join(dir, "script")]);
}

test("a start translates, and hands procd the command with the options that are set", () => {
  rmSync(runDir, { recursive: true, force: true });
  const { stdout, stderr, exitCode } = call("start_service", good, { enabled: "1", workers: "2", log_level: "debug" });
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout.trim().split("\n")).toEqual([
    "open",
    `set command ${program} supervise --config ${translated} --log-format text`,
    "append command --workers 2",
    "append command --log-level debug",
    "set respawn 3600 1 0",
    "set limits nofile=65536 65536 memlock=unlimited unlimited",
    "set stderr 1",
    "set term_timeout 5",
    "close",
  ]);
  expect(readFileSync(translated, "utf8")).toContain('interface: "br-lan"');
});

test("switched off it starts nothing", () => {
  expect(call("start_service", good, { enabled: "0" }).stdout).toBe("");
});

test("a network without a device leaves its rules out, and the log says so", () => {
  const { stderr, exitCode } = call("start_service", good.replace("'lan'", "'wan'"));
  expect(exitCode).toBe(0);
  expect(stderr).toContain("warning: network 'wan' has no device now");
});

test("a reload starts what is new and sends SIGHUP; with a mistake it does neither, and says where it is", () => {
  const lines = call("reload_service").stdout.trim().split("\n");
  expect([lines[0], lines.at(-1)]).toEqual(["open", "signal mcr"]);
  const before = readFileSync(translated, "utf8");
  const { stdout, stderr, exitCode } = call("reload_service", good.replace("5000", "70000"));
  expect([stdout, exitCode]).toEqual(["", 1]);
  expect(stderr).toContain("mcr.uci:7: port must be a port from 1 to 65535");
  expect(readFileSync(translated, "utf8")).toBe(before);
});

test("it is woken by its own configuration, by the network's, and by each interface that comes or goes", () => {
  expect(call("service_triggers").stdout.trim().split("\n")).toEqual([
    "trigger mcr network",
    "raw interface.* 2000 /etc/init.d/mcr reload",
  ]);
});

test("the configuration that comes with it is read without a complaint, and so is its example", () => {
  const text = read("mcr.config");
  const example = text.replace(/^#(config|\t)/gm, "$1").replace(/^\t# option/gm, "\toption");
  for (const each of [text, example]) {
    expect(parseUci(each).complaints).toEqual([]);
    expect(translateUci(each, "mcr", new Map()).problems).toEqual([]);
  }
  expect(translateUci(example, "mcr", new Map()).rules).toBe(1);
});

test("every option that the init script reads is one that the translator knows, and the other way round", () => {
  const script = read("mcr.init");
  const asked = [...script.matchAll(/append_option (\w+)|config_get_bool \w+ global (\w+)/g)].map(([, a, b]) => a ?? b);
  const section = `config mcr\n${asked.map((key) => `\toption ${key} 1\n`).join("")}`;
  const said = translateUci(section, "mcr", new Map()).problems.filter(({ message }) => message.includes("reads"));
  expect([asked.length > 8, said]).toEqual([true, []]);
});

test("the package holds the executable, the init script and the configuration", () => {
  const top = join(dir, "top");
  const to = join(dir, "package");
  mkdirSync(top, { recursive: true });
  mkdirSync(to);
  writeFileSync(join(top, "rules.mk"), "");
  // What include/package.mk offers, as far as this Makefile uses it.
  const stub = [
    "INSTALL_DIR:=install -d",
    "INSTALL_BIN:=install -m755",
    "INSTALL_CONF:=install -m600",
    "define BuildPackage",
    "all:",
    "\t$$(call Build/Prepare)",
    "\t$$(call Package/$(1)/install,$(to))",
    "endef",
  ];
  writeFileSync(join(top, "package.mk"), `${stub.join("\n")}\n`);
  const make = (executable: string) =>
    runAnyway([
      ...["make", "-s", "-C", folder, `TOPDIR=${top}`, `INCLUDE_DIR=${top}`, `to=${to}`],
      `MCR_BINARY=${executable}`,
    ]);
  expect(make(join(dir, "nothing")).exitCode).toBe(2);
  const made = make(program);
  expect([made.stderr, made.exitCode]).toEqual(["", 0]);
  for (const path of ["usr/bin/mcr-appliance", "etc/init.d/mcr", "etc/config/mcr"]) {
    expect([path, existsSync(join(to, path))]).toEqual([path, true]);
  }
});

test("shellcheck has nothing to say of the init script", () => {
  // It looks for the file that OpenWrt has.
  copyFileSync(join(folder, "mcr.init"), join(dir, "mcr.init"));
  run(["shellcheck", "-s", "dash", "-e", "SC1091", join(dir, "mcr.init")]);
});
