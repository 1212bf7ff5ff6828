// A Debian that runs: its init system as process 1 of namespaces of its own (live/boot), with a link in and a link out. What is installed there is
// told to a service manager that works, and this machine hears nothing of it.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Running } from "../../test/helpers/running.ts";
import { until } from "../../test/helpers/until.ts";
import { may, must, type Place } from "./trial.ts";

/** A machine that does much else may be slow to boot. */
const patience = { deadlineMs: 60_000, everyMs: 100 };

/** An init system: what becomes process 1, and what it is asked. */
export type Init = {
  command: readonly string[];
  /** Prints where the boot has got to; `ended` knows the words for its end, `good` is the one that is hoped for. */
  state: readonly string[];
  ended: RegExp;
  good: string;
  /** Prints what did not start. */
  failed: readonly string[];
  reboot: readonly string[];
};

export const systemd: Init = {
  command: ["/usr/lib/systemd/systemd", "--show-status=no"],
  state: ["systemctl", "is-system-running", "--wait"],
  ended: /^(running|degraded|maintenance)$/,
  good: "running",
  failed: ["systemctl", "--failed", "--no-pager"],
  reboot: ["systemctl", "reboot"],
};

export const openrc: Init = {
  command: ["/sbin/openrc-init"],
  // The runlevel has its name before its services run.
  state: ["sh", "-c", "test ! -e /run/openrc/rc.starting && rc-status --runlevel"],
  ended: /^default$/,
  good: "default",
  failed: ["rc-status", "--all"],
  reboot: ["openrc-shutdown", "--reboot", "now"],
};

export class LiveRoot {
  readonly #root: string;
  readonly #kind: Init;
  #process: Bun.Subprocess | undefined;
  #init = 0;

  /** `root` is a Debian with the init system `kind`, this trial's own. */
  constructor(root: string, kind: Init) {
    this.#root = root;
    this.#kind = kind;
  }

  /** Returns when all units that are to run at the start do; throws when one of them failed. */
  async boot({ root }: Pick<Place, "root">): Promise<void> {
    const { command, state, ended, good, failed } = this.#kind;
    const boot = [join(root, "appliance/trial/live/boot"), this.#root, ...command];
    const running = Bun.spawn(boot, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    this.#process = running;
    const name = basename(command[0] ?? "");
    const first = () => childOf(childOf(running.pid, "unshare") ?? 0, name);
    this.#init = (await until(`${name} is process 1`, first, (pid) => pid !== undefined, patience)) ?? 0;
    const said = () => this.may(...state).trim();
    const reached = await until(`${name} answers`, said, (text) => ended.test(text), patience);
    if (reached !== good) throw new Error(`the system is ${reached}:\n${this.may(...failed)}`);
    this.wire("in0", "gen0", "10.0.1.1/24");
    this.wire("out0", "far0", "10.0.2.1/24");
  }

  /** Runs a command in it; what it printed. Throws when it fails. */
  must(...command: readonly string[]): string {
    return must([...this.enter(), ...command]);
  }

  /** Starts a program that is to be ended by who started it. */
  start(...command: readonly string[]): Running {
    return new Running([...this.enter(), ...command]);
  }

  /** As `must`, but any exit code will do. */
  may(...command: readonly string[]): string {
    return may([...this.enter(), ...command]).output;
  }

  /** The system restarts: all processes end in its order, and it boots again. */
  async reboot(place: Pick<Place, "root">): Promise<void> {
    this.may(...this.#kind.reboot);
    await until("the system is down", () => this.#process?.exitCode !== null, Boolean, patience);
    await this.boot(place);
  }

  /** Takes it down at once; nothing of it is left. */
  async end(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#process?.exited;
  }

  /** Two ends of a wire, both in its network: `link` is the relay's. */
  private wire(link: string, far: string, address: string): void {
    const ip = (line: string) => must(["nsenter", "-t", `${this.#init}`, "-n", "ip", ...line.split(" ")]);
    ip(`link add ${link} type veth peer name ${far}`);
    ip(`addr add ${address} dev ${link}`);
    for (const each of [link, far]) ip(`link set ${each} up`);
    // What arrives there has this very system's address; it goes by the network of who writes it, not by whose /proc it is.
    const accept = `echo 1 >/proc/sys/net/ipv4/conf/${far}/accept_local`;
    must(["nsenter", "-t", `${this.#init}`, "-n", "sh", "-c", accept]);
  }

  private enter(): string[] {
    return ["nsenter", "-t", `${this.#init}`, "-a"];
  }
}

function childOf(pid: number, name: string): number | undefined {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return undefined;
  const children = readFileSync(path, "utf8").trim().split(" ");
  const found = children.find((child) => readFileSync(`/proc/${child}/comm`, "utf8").trim() === name);
  return found === undefined ? undefined : Number(found);
}
