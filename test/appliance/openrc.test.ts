// The OpenRC script with stubs for openrc-run's functions, and the real check of the configuration.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, runAnyway } from "../helpers/run.ts";
import { writeSourceBinary } from "../helpers/source-binary.ts";

const path = join(import.meta.dir, "../../appliance/openrc/mcr.initd");
const dir = mkdtempSync(join(tmpdir(), "mcrt-openrc-"));
const [program, config] = [join(dir, "mcr-appliance"), join(dir, "mcr.json5")];
afterAll(() => rmSync(dir, { recursive: true }));
beforeAll(() => writeSourceBinary(program));

const stubs = `
RC_SVCNAME=mcr
checkpath() { echo "checkpath $*"; }
ebegin() { echo "begin $*"; }
eend() { echo "end $1"; return $1; }
supervise-daemon() { echo "supervise-daemon $*"; }
after() { echo "after $*"; }
use() { echo "use $*"; }
need() { echo "need $*"; }
`;

function call(line: string, text: string) {
  writeFileSync(config, text);
  const script = readFileSync(path, "utf8").replaceAll("/usr/bin/mcr-appliance", program);
  // Not dash, which takes no name with a dash in it for a function; OpenRC's shells do.
  writeFileSync(join(dir, "script"), `${stubs}\n${script}\n${line}\n`);
  return runAnyway(["env", `mcr_config=${config}`, "mcr_options=--workers 2", "bash", join(dir, "script")]);
}

test("it starts with its file and its options, after the folder of the socket was made and the file checked", () => {
  const { stdout, exitCode } = call('start_pre && echo "$command $command_args"', "{ rules: [] }");
  expect(exitCode).toBe(0);
  const lines = stdout.trim().split("\n");
  expect(lines[0]).toBe("checkpath --directory --mode 0755 --owner root:root /run/mcr");
  expect(lines.at(-1)).toBe(`${program} supervise --config ${config} --log-format text --workers 2`);
});

test("a file with mistakes neither starts nor reloads, and says where they are", () => {
  for (const line of ["start_pre", "reload"]) {
    const { stdout, stderr, exitCode } = call(line, "{ rules: 7 }");
    expect(exitCode).toBe(78);
    expect(stderr).toContain(`${config}:1:10: rules must be a list of rules, not 7`);
    expect(stdout).not.toContain("HUP");
  }
});

test("a reload is a SIGHUP to what supervise-daemon runs", () => {
  const { stdout, exitCode } = call("reload", "{}");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("supervise-daemon mcr --signal HUP --pidfile /run/mcr.pid");
});

test("it waits for no network, and shellcheck has nothing to say", () => {
  expect(call("depend", "{}").stdout).toBe("after net firewall\nuse logger\n");
  run(["shellcheck", "-s", "dash", path]);
});
