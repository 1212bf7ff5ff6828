// A Debian that runs: systemd as process 1 of namespaces of its own (live/boot), with a link in and a link out. What is installed there is
// told to a service manager that works, and this machine hears nothing of it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Running } from "../../test/helpers/running.ts";
import { until } from "../../test/helpers/until.ts";
import { may, must, type Place } from "./trial.ts";

/** A machine that does much else may be slow to boot. */
const patience = { deadlineMs: 60_000, everyMs: 100 };

export class LiveRoot {
  readonly #root: string;
  #process: Bun.Subprocess | undefined;
  #init = 0;

  /** `root` is a Debian with systemd, this trial's own. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Returns when all units that are to run at the start do; throws when one of them failed. */
  async boot({ root }: Pick<Place, "root">): Promise<void> {
    const command = [join(root, "appliance/trial/live/boot"), this.#root];
    const running = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    this.#process = running;
    const unshare = () => childOf(running.pid, "unshare");
    const isFound = (pid: number | undefined) => pid !== undefined;
    this.#init =
      (await until("systemd is process 1", () => childOf(unshare() ?? 0, "systemd"), isFound, patience)) ?? 0;
    const state = () => this.may("systemctl", "is-system-running", "--wait").trim();
    const reached = await until(
      "systemd answers",
      state,
      (text) => /^(running|degraded|maintenance)$/.test(text),
      patience,
    );
    if (reached !== "running")
      throw new Error(`the system is ${reached}:\n${this.may("systemctl", "--failed", "--no-pager")}`);
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

  /** The system restarts: all processes end in systemd's order, and it boots again. */
  async reboot(place: Pick<Place, "root">): Promise<void> {
    this.may("systemctl", "reboot");
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
