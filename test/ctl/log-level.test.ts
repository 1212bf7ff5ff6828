import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failed } from "../../src/base/outcome.ts";
import { type ControlServer, openControlServer } from "../../src/control/server.ts";
import type { Command, Reply } from "../../src/control/words.ts";
import { operate } from "../../src/ctl/operate.ts";

let dir: string;
let server: ControlServer;
let commands: Command[];
let reply: Reply;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "mcr-level-"));
  commands = [];
  reply = { Success: "done" };
  const handle = async (command: Command) => {
    commands.push(command);
    return reply;
  };
  const opened = await openControlServer({ path: join(dir, "control.sock"), handle });
  if (!opened.ok) throw new Error(opened.error.text);
  server = opened.value;
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

/** Runs `log-level …` as an operator would. */
async function logLevel(words: string) {
  const [said, complained]: [string[], string[]] = [[], []];
  const args = ["log-level", ...words.split(" ").filter((word) => word !== "")];
  const code = await operate(args, {
    say: (text) => said.push(text),
    complain: (text) => complained.push(text),
    environment: { MCR_SOCKET: join(dir, "control.sock") },
    roles: { supervise: async () => failed("not here"), gen: async () => 0, sink: async () => 0 },
  });
  return { code, out: said.join("\n"), err: complained.join("\n") };
}

test("levels and facilities are sent as MCR's client spells them, however they were typed", async () => {
  expect(await logLevel("set WARN")).toEqual({ code: 0, out: "done", err: "" });
  await logLevel("set trace");
  await logLevel("set --facility ingress debug");
  await logLevel("set crit --facility=PacketParser");
  await logLevel("reset");
  expect(commands).toEqual([
    { SetGlobalLogLevel: { level: "Warning" } },
    { SetGlobalLogLevel: { level: "Trace" } },
    { SetFacilityLogLevel: { facility: "Ingress", level: "Debug" } },
    { SetFacilityLogLevel: { facility: "PacketParser", level: "Critical" } },
    "ResetLogLevels",
  ]);
});

test("'get' shows the global level and the exceptions, as JSON when asked", async () => {
  reply = { LogLevels: { global: "Info", facility_overrides: { Ingress: "Debug" } } };
  expect((await logLevel("get")).out).toBe("FACILITY    LEVEL\nall others  info\nIngress     debug");
  expect(JSON.parse((await logLevel("get --json")).out)).toEqual(reply);
  expect(commands).toEqual(["GetLogLevels", "GetLogLevels"]);
});

test.each([
  ["", "needs get, set or reset, not nothing"],
  ["show", "not 'show'"],
  ["set", "needs a level: emergency, alert"],
  ["set loud", "not 'loud'"],
  ["set --facility Ingres debug", "unknown facility 'Ingres'. Did you mean 'Ingress'?"],
  ["get debug", "takes no level"],
  ["reset --facility Ingress", "takes no level and no facility"],
  ["set info debug", "unexpected argument 'debug'"],
])("'log-level %s' is refused without asking the supervisor", async (words, reason) => {
  const { code, err } = await logLevel(words);
  expect(code).toBe(64);
  expect(err).toContain(reason);
  expect(commands).toEqual([]);
});
