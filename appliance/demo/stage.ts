// The demo's stage: three namespaces joined by two wires, and the programs in them. Strikes everything at the end, whatever
// the end is; what a killed demo left standing, the next one strikes.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, runAnyway } from "../../test/helpers/run.ts";
import { Running } from "../../test/helpers/running.ts";

export type Room = "gen" | "relay" | "sink";
const rooms: readonly Room[] = ["gen", "relay", "sink"];
const prefix = "mcr-demo-";
const stateRoot = "/run";

export class Stage {
  readonly #name = `${prefix}${process.pid}`;
  readonly directory = join(stateRoot, this.#name);
  readonly #running: Running[] = [];

  /** Namespaces, wires, addresses; and a kernel that checks where packets come from. */
  static build(): Stage {
    strikeOrphans();
    const stage = new Stage();
    mkdirSync(stage.directory, { mode: 0o700 });
    for (const room of rooms) {
      run(["ip", "netns", "add", stage.namespace(room)]);
      stage.ip(room, "link set lo up");
    }
    stage.wire("gen", "out0", "172.31.99.1/24", "relay", "in0", "10.0.1.1/24");
    stage.wire("relay", "out0", "10.0.2.1/24", "sink", "in0", "10.0.2.2/24");
    stage.inside("relay", ["sh", "-c", "for each in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 1 >$each; done"]);
    return stage;
  }

  namespace(room: Room): string {
    return `${this.#name}-${room}`;
  }

  private wire(
    left: Room,
    leftLink: string,
    leftAddress: string,
    right: Room,
    rightLink: string,
    rightAddress: string,
  ) {
    const peer = ["peer", "name", rightLink, "netns", this.namespace(right)];
    run(["ip", "-n", this.namespace(left), "link", "add", "name", leftLink, "type", "veth", ...peer]);
    this.ip(left, `addr add ${leftAddress} dev ${leftLink}`);
    this.ip(right, `addr add ${rightAddress} dev ${rightLink}`);
    this.ip(left, `link set ${leftLink} up`);
    this.ip(right, `link set ${rightLink} up`);
  }

  ip(room: Room, line: string): string {
    return run(["ip", "-n", this.namespace(room), ...line.split(" ")]).stdout;
  }

  /** Runs a short command to its end; what it printed. */
  inside(room: Room, command: readonly string[]): string {
    return run(this.entering(room, command)).stdout;
  }

  /** Starts a program that ends with the stage at the latest. */
  start(room: Room, command: readonly string[]): Running {
    // A session of its own: Ctrl-C is for the demo, which then ends everything in order.
    const running = new Running(["setsid", ...this.entering(room, command)]);
    this.#running.push(running);
    return running;
  }

  /** Starts a program that may outlive the demo: it has a session of its own and logs to a file. Returns its pid. */
  startApart(room: Room, command: readonly string[], logPath: string): number {
    const log = Bun.file(logPath);
    const started = Bun.spawn(this.entering(room, ["setsid", ...command]), { stdin: null, stdout: log, stderr: log });
    started.unref();
    return started.pid;
  }

  entering(room: Room, command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.namespace(room), ...command];
  }

  /** Leaves all standing, also for the next demo's eyes. */
  keep(): void {
    writeFileSync(join(this.directory, "keep"), "");
  }

  async strike(): Promise<void> {
    await Promise.all(this.#running.map((running) => running.end()));
    strike(this.#name);
  }
}

/** Ends what lives in a stage's namespaces, then removes them and its directory. */
function strike(name: string): void {
  const namespaces = rooms.map((room) => `${name}-${room}`).filter(isNamespace);
  const signal = (how: "-TERM" | "-KILL") => {
    const pids = namespaces
      .flatMap((each) => runAnyway(["ip", "netns", "pids", each]).stdout.split("\n"))
      .filter(Boolean);
    // What ended between the look and the signal needs none.
    runAnyway(["kill", how, ...pids]);
    return pids.length;
  };
  for (let tries = 0; signal("-TERM") > 0 && tries < 20; tries++) {
    Bun.sleepSync(50);
  }
  signal("-KILL");
  for (const namespace of namespaces) {
    runAnyway(["ip", "netns", "del", namespace]);
  }
  rmSync(join(stateRoot, name), { recursive: true, force: true });
}

function isNamespace(namespace: string): boolean {
  return existsSync(`/run/netns/${namespace}`);
}

function stageNames(): string[] {
  const namespaces = existsSync("/run/netns") ? readdirSync("/run/netns") : [];
  const names = [...namespaces, ...readdirSync(stateRoot)].map((entry) => /^mcr-demo-\d+/.exec(entry)?.[0]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** A demo whose process is gone and that was not told to stay. */
function strikeOrphans(): void {
  const isOrphan = (name: string) =>
    !existsSync(join(stateRoot, name, "keep")) && !isDemo(Number(name.slice(prefix.length)));
  stageNames().filter(isOrphan).forEach(strike);
}

function isDemo(pid: number): boolean {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) && readFileSync(path, "utf8").includes("demo");
}

/** Strikes the stages that were told to stay; their names. */
export function strikeKept(): string[] {
  const kept = stageNames().filter((name) => existsSync(join(stateRoot, name, "keep")));
  kept.forEach(strike);
  return kept;
}
