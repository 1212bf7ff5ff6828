// mcrd: MCR's daemon by its command line (INTEROP.md 1.1). What it starts is our supervisor, with MCR's log lines and exit codes.
import type { Outcome } from "../base/outcome.ts";
import { programVersion } from "../base/version.ts";
import type { McrdManner, SuperviseTexts } from "../supervise/start/options.ts";
import { call } from "./call.ts";
import type { Matched, Options, Program, SubCommand } from "./clap.ts";
import type { Stage } from "./stage.ts";
import { ipv4, u16, u32, u64 } from "./values.ts";

/** Starts the supervisor with what the command line said; the error is a usage error's text. */
export type Supervise = (texts: SuperviseTexts, asMcrd: McrdManner) => Promise<Outcome<number>>;

const supervisorOptions: Options = {
  config: { value: "PATH", about: "JSON5 file with rules to start with" },
  "control-socket-path": {
    value: "PATH",
    alias: "socket-path",
    about: "Where to listen for requests",
    default: "/run/mcr/control.sock",
  },
  interface: { value: "NAME", about: "Not used: rules name their interfaces", default: "lo" },
  "num-workers": { value: "N", about: "Worker processes, at most one a CPU", check: u64 },
  "log-format": { value: "FORMAT", about: "mcr, text, json or journal", default: "mcr" },
  "log-level": { value: "LEVEL", about: "Level to start with", default: "info" },
};

const workerOptions: Options = {
  "data-plane": { about: "What kind of worker" },
  "core-id": { value: "N", about: "Core to run on", check: u32 },
  "input-interface-name": { value: "NAME", about: "Interface to capture" },
  "fanout-group-id": { value: "N", about: "Fanout group", check: u16 },
  "input-group": { value: "IP", about: "Not used", check: ipv4 },
  "input-port": { value: "N", about: "Not used", check: u16 },
  "output-group": { value: "IP", about: "Not used", check: ipv4 },
  "output-port": { value: "N", about: "Not used", check: u16 },
  "output-interface": { value: "NAME", about: "Not used" },
  "reporting-interval": { value: "N", about: "Not used", check: u64 },
};

const program: Program<SubCommand> = {
  name: "mcrd",
  version: programVersion,
  about: "Multicast relay daemon",
  options: {},
  anywhere: { "log-json": { about: "Its own lines as JSON" } },
  commands: [
    { name: "supervisor", about: "Run the relay in the foreground", options: supervisorOptions },
    { name: "worker", about: "Started by the supervisor, not by hand", options: workerOptions },
  ],
};

/** Runs `mcrd …args` until a signal ends it; returns the exit code. */
export async function run(args: readonly string[], stage: Stage, supervise: Supervise): Promise<number> {
  const line = call(program, args, stage);
  if (line.kind === "over") return line.code;
  const { command, given } = line;
  if (command?.name === "worker") {
    stage.complain("Error: workers are started by the supervisor, which hands them their sockets");
    return 1;
  }
  const wish = given.get("num-workers")?.[0];
  const started = await supervise(textsOf(given), {
    linesAsJson: given.has("log-json"),
    ...(wish === undefined ? {} : { workersWish: Number(wish) }),
  });
  if (!started.ok) {
    stage.complain(`error: ${started.error}\n\nFor more information, try '--help'.`);
    return 2;
  }
  return started.value;
}

function textsOf(given: Matched): SuperviseTexts {
  const text = (name: string) => given.get(name)?.[0];
  return {
    config: text("config"),
    controlSocketPath: text("control-socket-path"),
    logFormat: text("log-format") ?? "mcr",
    logLevel: text("log-level"),
  };
}
