// keepalived's scripts with a relay that is played. Its configuration is run by test/network/role.test.ts.
import { afterAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, runAnyway } from "../helpers/run.ts";

const folder = join(import.meta.dir, "../../appliance/keepalived");
const dir = mkdtempSync(join(tmpdir(), "mcrt-keepalived-"));
afterAll(() => rmSync(dir, { recursive: true }));
const [program, roleFile, told] = [join(dir, "mcr-appliance"), join(dir, "role"), join(dir, "told")];

/** Says the role `now`, or fails as a relay that is gone; notes what it is told. */
function call(script: string, args: readonly string[], now?: string) {
  rmSync(told, { force: true });
  const answer = now === undefined ? "exit 69" : `echo ${now}`;
  writeFileSync(program, `#!/bin/sh\n[ $# -eq 1 ] && { ${answer}; exit; }\necho "$2" >${told}\n`);
  chmodSync(program, 0o755);
  // No relay is there for socat, so the program is called.
  const variables = [
    `PATH=${dir}:${process.env["PATH"]}`,
    `MCR_ROLE_FILE=${roleFile}`,
    `MCR_SOCKET=${join(dir, "sock")}`,
  ];
  const { exitCode } = runAnyway(["env", ...variables, join(folder, script), ...args]);
  return { exitCode, told: existsSync(told) ? readFileSync(told, "utf8").trim() : undefined };
}

test.each([
  ["MASTER", "active"],
  ["BACKUP", "standby"],
  ["FAULT", "standby"],
  ["STOP", "standby"],
])("%s means %s, and is remembered", (state, role) => {
  expect(call("notify", ["INSTANCE", "mcr", state, "150"], "standby")).toEqual({ exitCode: 0, told: role });
  expect(readFileSync(roleFile, "utf8").trim()).toBe(role);
});

test("where socat reaches the relay the program is not started; where it hears no success it is", () => {
  const socat = join(dir, "socat");
  const heard = join(dir, "heard");
  const answering = (reply: string) => {
    writeFileSync(socat, `#!/bin/sh\necho "$*" >${heard}; cat >>${heard}; echo '${reply}'\n`);
    chmodSync(socat, 0o755);
  };
  answering('{"Success":"active"}');
  expect(call("notify", ["INSTANCE", "mcr", "MASTER", "150"])).toEqual({ exitCode: 0, told: undefined });
  const sock = join(dir, "sock");
  expect(readFileSync(heard, "utf8")).toBe(`-t 2 - UNIX-CONNECT:${sock}\n{"SetRole":{"role":"active"}}\n`);
  answering('{"Error":"no"}');
  expect(call("notify", ["INSTANCE", "mcr", "MASTER", "150"], "standby")).toEqual({ exitCode: 0, told: "active" });
  rmSync(socat);
});

test("a state that keepalived does not have is refused", () => {
  expect(call("notify", ["INSTANCE", "mcr", "BOSS"], "standby")).toEqual({ exitCode: 64, told: undefined });
});

test("the check is well with a relay in its role, tells one that is not, and is ill without one", () => {
  writeFileSync(roleFile, "active\n");
  expect(call("check", [], "active")).toEqual({ exitCode: 0, told: undefined });
  expect(call("check", [], "standby")).toEqual({ exitCode: 0, told: "active" });
  expect(call("check", []).exitCode).toBe(1);
  rmSync(roleFile);
  // Nobody has decided yet: then it does not send.
  expect(call("check", [], "active")).toEqual({ exitCode: 0, told: "standby" });
});

test("shellcheck has nothing to say", () => {
  run(["shellcheck", "-s", "dash", join(folder, "notify"), join(folder, "check")]);
});
