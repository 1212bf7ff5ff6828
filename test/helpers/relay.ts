// The compiled binary under test: a supervisor in a namespace, with a control socket of its own, and the operator's verbs.
// Speaks to it only as an operator would: arguments, control socket, signals, /proc. Never imports src/.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import type { z } from "zod";
import { isAlive } from "./alive.ts";
import type { Lab } from "./namespaces.ts";
import type { Ended, Running, RunningOptions } from "./running.ts";
import { until } from "./until.ts";

/** `MCR_TEST_IO` makes every relay that a test starts wait and send that way, unless the test itself says how. */
export const testIo = process.env["MCR_TEST_IO"];

/** What `npm run build` makes. `MCR_BINARY` names another one, such as the package's. */
export const binary = process.env["MCR_BINARY"] ?? join(import.meta.dir, "../../dist/mcr-appliance");

/** All of a worker's environment, as /proc shows it: when the engine's last compiler begins. */
export const workerEnvironment = /^BUN_JSC_thresholdForFTLOptimizeAfterWarmUp=\d+\0$/;

export type LaunchOptions = RunningOptions & {
  /** A command that changes something and then becomes the one behind it, such as `setpriv --reuid nobody`. */
  under?: readonly string[];
  /** Default: the binary under test. */
  binary?: string;
  /** Default: a path of its own in the lab's directory. */
  socketPath?: string;
};

export type RelayOptions = LaunchOptions & {
  /** Until the first `Ping` is answered with success; default 5,000 ms. */
  readyMs?: number;
};

let relayCount = 0;

/** A supervisor that runs. Ended by `stop`, or by the lab's `close`. */
export class Relay {
  readonly #lab: Lab;
  readonly #ns: string;
  readonly #running: Running;
  readonly socketPath: string;
  /** From the start of the process to the first answered `Ping`, in milliseconds. */
  readyMs = 0;

  private constructor(lab: Lab, ns: string, running: Running, socketPath: string) {
    this.#lab = lab;
    this.#ns = ns;
    this.#running = running;
    this.socketPath = socketPath;
  }

  /** Starts `mcr-appliance supervise …args` in a namespace and waits until it answers; else an error with its stderr. */
  static async start(lab: Lab, ns: string, args: readonly string[] = [], options: RelayOptions = {}): Promise<Relay> {
    const start = performance.now();
    const relay = Relay.launch(lab, ns, args, options);
    await relay.#awaitReady(options.readyMs ?? 5000);
    relay.readyMs = performance.now() - start;
    return relay;
  }

  /** As `start`, without waiting: for what is expected to refuse. */
  static launch(lab: Lab, ns: string, args: readonly string[] = [], options: LaunchOptions = {}): Relay {
    relayCount += 1;
    const socketPath = options.socketPath ?? join(lab.dir, `control-${relayCount}.sock`);
    const how = testIo === undefined || args.includes("--io") ? [] : ["--io", testIo];
    const command = [
      ...(options.under ?? []),
      options.binary ?? binary,
      "supervise",
      "--control-socket-path",
      socketPath,
      ...how,
      ...args,
    ];
    return new Relay(lab, ns, lab.spawn(ns, command, options), socketPath);
  }

  get pid(): number {
    return this.#running.pid;
  }

  get isUp(): boolean {
    return this.#running.isUp;
  }

  /** All that supervisor and workers have logged so far. */
  get log(): string {
    return this.#running.stderr;
  }

  /** Waits until the log holds the text or a match. */
  async logs(text: string | RegExp, deadlineMs?: number): Promise<void> {
    await this.#running.says(text, "stderr", deadlineMs);
  }

  /** An operator's command with `--json`; returns what it printed, parsed. Any exit code but 0 throws with its stderr. */
  async ctl(...args: readonly string[]): Promise<unknown> {
    const ended = await this.tryCtl(...args, "--json");
    if (ended.exitCode !== 0) {
      throw new Error(
        `"${args.join(" ")}" ended with ${ended.exitCode}: ${ended.stderr}${ended.stdout}\n${this.#tail()}`,
      );
    }
    return JSON.parse(ended.stdout);
  }

  /** As `ctl`, checked and typed by a schema. */
  async ctlAs<T>(schema: z.ZodType<T>, ...args: readonly string[]): Promise<T> {
    return schema.parse(await this.ctl(...args));
  }

  /** An operator's command as typed, whatever its exit code: for what is expected to be refused, and for tables. */
  tryCtl(...args: readonly string[]): Promise<Ended> {
    return this.#lab.spawn(this.#ns, [binary, "--socket-path", this.socketPath, ...args]).finish();
  }

  /** One command on the wire, as INTEROP's clients send it: the value, then half-closed. Returns the reply, parsed. */
  send(command: unknown, deadlineMs = 5000): Promise<unknown> {
    return exchange(this.socketPath, JSON.stringify(command), deadlineMs);
  }

  /** As `send`, for a command that must succeed: throws with the text of its refusal. */
  async must(command: unknown): Promise<void> {
    const reply = await this.send(command);
    if (!isObjectWith(reply, "Success")) {
      throw new Error(`${JSON.stringify(command)} was answered with ${JSON.stringify(reply)}\n${this.#tail()}`);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#running.signal(name);
  }

  /** SIGTERM; expects exit 0 within `withinMs`, and neither socket file nor process left. Returns what it had logged. */
  async stop(withinMs = 1000): Promise<string> {
    if (!this.isUp) throw new Error(`the relay was gone before it was stopped\n${this.#tail()}`);
    const pids = [this.pid, ...this.childPids()];
    const start = performance.now();
    this.signal("SIGTERM");
    const ended = await this.#running.finish(withinMs + 5000);
    const tookMs = performance.now() - start;
    if (ended.exitCode !== 0) throw new Error(`the relay ended with ${ended.exitCode}\n${this.#tail()}`);
    if (tookMs > withinMs) throw new Error(`the relay took ${tookMs.toFixed()} ms to stop\n${this.#tail()}`);
    if (existsSync(this.socketPath)) throw new Error(`the relay left its socket ${this.socketPath}`);
    const left = pids.filter((pid) => isAlive(pid));
    if (left.length > 0) throw new Error(`the relay left processes ${left.join(", ")}\n${this.#tail()}`);
    return ended.stderr;
  }

  /** Waits for an end that the test caused otherwise, or that it expects. */
  finish(deadlineMs?: number): Promise<Ended> {
    return this.#running.finish(deadlineMs);
  }

  /** Workers that have a place, from /proc; without the spare one. */
  workerPids(): number[] {
    return this.childPids().filter((pid) => nameOf(pid) === "mcr worker");
  }

  /** Children of the supervisor, from /proc: workers, and the spare one where there is one. */
  childPids(): number[] {
    return readdirSync(`/proc/${this.pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${this.pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  }

  /** Memory of one process in bytes: resident, and the part that no other process shares. */
  rss(pid = this.pid): { residentBytes: number; privateBytes: number } {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kib = (field: string) => Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(rollup)?.[1] ?? Number.NaN);
    return { residentBytes: kib("Rss") * 1024, privateBytes: (kib("Private_Clean") + kib("Private_Dirty")) * 1024 };
  }

  async #awaitReady(deadlineMs: number): Promise<void> {
    const probe = async () => {
      if (!this.isUp) return { ended: this.#running.exitCode };
      return exchange(this.socketPath, '"Ping"', 1000);
    };
    const isDecided = (state: unknown) => isObjectWith(state, "Success") || isObjectWith(state, "ended");
    try {
      await until("the relay answers Ping", probe, isDecided, { deadlineMs });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}\n${this.#tail()}`);
    }
    if (this.isUp) return;
    const ended = await this.#running.finish();
    throw new Error(`the relay ended with ${ended.exitCode} at its start\n${this.#tail()}`);
  }

  #tail(): string {
    return `the relay's log ends:\n${this.log.slice(-4000)}`;
  }
}

/** The name of a process; empty when it is gone. */
function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

function isObjectWith(value: unknown, key: string): boolean {
  return typeof value === "object" && value !== null && key in value;
}

/** Sends text, half-closes, reads to the end of file. */
function exchange(path: string, text: string, deadlineMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let reply = "";
    const socket = createConnection({ path, allowHalfOpen: true }, () => socket.end(text));
    socket.setTimeout(deadlineMs, () =>
      socket.destroy(new Error(`no reply within ${deadlineMs} ms to ${text.slice(0, 200)}`)),
    );
    socket.setEncoding("utf8");
    socket.on("data", (part) => {
      reply += part;
    });
    socket.on("error", reject);
    socket.on("end", () => {
      try {
        resolve(JSON.parse(reply));
      } catch {
        reject(new Error(`the reply is not JSON: ${reply.slice(0, 500)}`));
      }
    });
  });
}
