// The bench of the network tests: namespaces joined by veth pairs and bridges, gone at the end whatever happens.
// Everything lives inside namespaces made here; nothing of the machine's own network is touched. See test/README.md.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guardLabs } from "./guard.ts";
import { type Finished, run, runAnyway } from "./run.ts";
import { Running, type RunningOptions } from "./running.ts";

/** One side of a veth pair. `address` is in prefix notation: "10.0.1.1/24". */
export type End = { ns: string; link: string; address?: string };

export type VethOptions = {
  mtu?: number;
  /** `ethtool -K` features for both sides, such as { "tx-udp-segmentation": false }. */
  offloads?: Record<string, boolean>;
};

export type BridgeOptions = {
  /** Both default to false: a bridge that floods, as one without any configuration of multicast. */
  snooping?: boolean;
  querier?: boolean;
  address?: string;
};

const namePrefix = "mcrt";
let labCount = 0;

/** A set of namespaces, addressed by short names ("gen", "relay"). `close` removes all of it and is idempotent. */
export class Lab {
  readonly #prefix: string;
  readonly #names = new Map<string, string>();
  readonly #running: Running[] = [];
  /** A directory of its own for sockets and files, removed by `close`. */
  readonly dir: string;

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.dir = mkdtempSync(join(tmpdir(), `${prefix}-`));
  }

  /** Makes an empty lab. Sweeps first what a killed test process left behind. */
  static create(label: string): Lab {
    guardLabs(namePrefix);
    sweep();
    labCount += 1;
    return new Lab(`${namePrefix}-${process.pid}-${labCount}-${label}`);
  }

  /** Makes the namespace on first use (loopback up, no IPv6 chatter); returns its full name for `ip netns`. */
  ns(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const full = `${this.#prefix}-${name}`;
    run(["ip", "netns", "add", full]);
    this.#names.set(name, full);
    this.ip(name, "link set lo up");
    // Router solicitations, MLD reports and address detection would be frames that no test sent.
    for (const scope of ["all", "default"]) this.sysctl(name, `net.ipv6.conf.${scope}.disable_ipv6`, 1);
    return full;
  }

  /** Joins two namespaces by a veth pair, both sides up and addressed. */
  veth(a: End, b: End, options: VethOptions = {}): void {
    const [nsA, nsB] = [this.ns(a.ns), this.ns(b.ns)];
    const mtu = options.mtu === undefined ? "" : `mtu ${options.mtu}`;
    run(words(`ip -n ${nsA} link add name ${a.link} ${mtu} type veth peer name ${b.link} ${mtu} netns ${nsB}`));
    for (const end of [a, b]) {
      if (end.address !== undefined) this.ip(end.ns, `addr add ${end.address} dev ${end.link}`);
      this.ip(end.ns, `link set ${end.link} up`);
      if (options.offloads !== undefined) this.offloads(end.ns, end.link, options.offloads);
    }
    for (const end of [a, b]) this.#awaitCarrier(end);
  }

  /** `ethtool -K`: features on or off, for one link. */
  offloads(ns: string, link: string, features: Record<string, boolean>): void {
    const flags = Object.entries(features).flatMap(([name, isOn]) => [name, isOn ? "on" : "off"]);
    this.exec(ns, ["ethtool", "-K", link, ...flags]);
  }

  /** Makes a bridge in `ns` over links that are there already. With a querier, groups are learned within about a second. */
  bridge(ns: string, link: string, ports: readonly string[], options: BridgeOptions = {}): void {
    const snooping = options.snooping ? 1 : 0;
    const querier = options.querier ? 1 : 0;
    // Hundredths of a second. Members answer within a second, so a new querier knows them soon after it started.
    const pace = "mcast_startup_query_interval 100 mcast_query_response_interval 100";
    this.ip(ns, `link add name ${link} type bridge mcast_snooping ${snooping} ${pace}`);
    // Apart, and last: a querier floods for one response interval after it was made one, by the interval known then.
    this.ip(ns, `link set ${link} type bridge mcast_querier ${querier}`);
    for (const port of ports) this.ip(ns, `link set ${port} master ${link}`);
    if (options.address !== undefined) this.ip(ns, `addr add ${options.address} dev ${link}`);
    this.ip(ns, `link set ${link} up`);
  }

  /** `ip -n NS …`, words split at spaces. */
  ip(ns: string, line: string): string {
    return run(["ip", "-n", this.ns(ns), ...words(line)]).stdout;
  }

  /** Runs a short command to its end; an exit code other than 0 throws. Blocks: not for what talks to a Running. */
  exec(ns: string, command: readonly string[], input = ""): Finished {
    return run(this.#inside(ns, command), input);
  }

  /** As `exec`, whatever the exit code. */
  execAnyway(ns: string, command: readonly string[], input = ""): Finished {
    return runAnyway(this.#inside(ns, command), input);
  }

  /** Starts a program that runs beside the test; ended by `close` at the latest. */
  spawn(ns: string, command: readonly string[], options: RunningOptions = {}): Running {
    const running = new Running(this.#inside(ns, command), options);
    this.#running.push(running);
    return running;
  }

  /** Sets a sysctl of the namespace; dots as usual, a link name with a dot in it is not supported. */
  sysctl(ns: string, key: string, value: string | number): void {
    const path = `/proc/sys/${key.replaceAll(".", "/")}`;
    this.exec(ns, ["sh", "-c", `echo "$1" > "$2"`, "sh", String(value), path]);
  }

  /** Text of a file as the namespace sees it, such as /proc/net/igmp. */
  read(ns: string, path: string): string {
    return this.exec(ns, ["cat", path]).stdout;
  }

  /** Pids of every process that lives in the namespace, ours or a child of ours. */
  pids(ns: string): number[] {
    return pidsIn(this.ns(ns));
  }

  /** Ends what was spawned so far, so that the next test has the namespaces for itself, also after a failure. */
  async endAll(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((running) => running.end()));
  }

  /** Ends what was spawned, then whatever still lives in the namespaces, then removes namespaces and directory. */
  async close(): Promise<void> {
    await this.endAll();
    for (const full of this.#names.values()) removeNamespace(full);
    this.#names.clear();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** The kernel raises a link's state a little after the command that did it; a test that starts earlier sees a dead link. */
  #awaitCarrier({ ns, link }: End): void {
    const start = performance.now();
    while (!/ UP /.test(this.ip(ns, `-br link show dev ${link}`))) {
      if (performance.now() - start > 2000) throw new Error(`link ${link} in ${ns} is not up after 2 s`);
    }
  }

  #inside(ns: string, command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.ns(ns), ...command];
  }
}

function words(line: string): string[] {
  return line.split(" ").filter((word) => word !== "");
}

function pidsIn(full: string): number[] {
  return runAnyway(["ip", "netns", "pids", full]).stdout.split("\n").filter(Boolean).map(Number);
}

function removeNamespace(full: string): void {
  for (const pid of pidsIn(full)) {
    // Everything in there was started by this lab or by a child of it; it may end between the look and the kill.
    runAnyway(["kill", "-KILL", String(pid)]);
  }
  runAnyway(["ip", "netns", "del", full]);
}

function sweep(): void {
  const owned = new RegExp(`^${namePrefix}-(\\d+)-`);
  const isOrphan = (name: string) => {
    const pid = owned.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  };
  if (existsSync("/run/netns")) readdirSync("/run/netns").filter(isOrphan).forEach(removeNamespace);
  for (const dir of readdirSync(tmpdir()).filter(isOrphan))
    rmSync(join(tmpdir(), dir), { recursive: true, force: true });
}
