// The program under MCR's three names, and a daemon that runs as mcrd.
import { existsSync, symlinkSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import type { Lab } from "./namespaces.ts";
import { binary } from "./relay.ts";
import type { Ended, Running } from "./running.ts";
import { until } from "./until.ts";

export type McrName = "mcrd" | "mcrctl" | "mcrgen";

/** A symbolic link of that name to the program, in the lab's directory. */
export function named(lab: Lab, name: McrName): string {
  const path = join(lab.dir, name);
  if (!existsSync(path)) symlinkSync(binary, path);
  return path;
}

/** `mcrd supervisor` in the namespace "relay" of a lab. */
export class Mcrd {
  readonly running: Running;
  readonly socketPath: string;
  readonly #lab: Lab;

  private constructor(lab: Lab, running: Running, socketPath: string) {
    this.#lab = lab;
    this.running = running;
    this.socketPath = socketPath;
  }

  /** Starts it and waits until it answers. */
  static async start(lab: Lab, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Mcrd> {
    const mcrd = Mcrd.launch(lab, args, env);
    await until(
      `mcrd answers Ping; its log: ${mcrd.running.stderr}`,
      () => mcrd.send("Ping"),
      (reply) => JSON.stringify(reply).includes("pong"),
    );
    return mcrd;
  }

  /** Starts it: for what is expected to refuse. */
  static launch(lab: Lab, args: readonly string[] = [], env: Record<string, string> = {}): Mcrd {
    const socketPath = join(lab.dir, "mcrd.sock");
    const command = [named(lab, "mcrd"), "supervisor", "--control-socket-path", socketPath, ...args];
    return new Mcrd(lab, lab.spawn("relay", command, { env: { ...process.env, ...env } }), socketPath);
  }

  /** One request, half-closed as MCR's clients do; the reply parsed. */
  async send(request: unknown): Promise<unknown> {
    return JSON.parse(await this.sendText(JSON.stringify(request)));
  }

  /** The same with bytes as they are. */
  sendText(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let reply = "";
      const socket = createConnection({ path: this.socketPath, allowHalfOpen: true }, () => socket.end(text));
      socket.setTimeout(5000, () => socket.destroy(new Error(`no reply to ${text.slice(0, 200)}`)));
      socket.setEncoding("utf8").on("data", (part) => {
        reply += part;
      });
      socket.on("error", reject);
      socket.on("end", () => resolve(reply));
    });
  }

  /** `mcrctl --socket-path … args`. */
  ctl(...args: readonly string[]): Promise<Ended> {
    return this.#lab.spawn("relay", [named(this.#lab, "mcrctl"), "--socket-path", this.socketPath, ...args]).finish();
  }

  /** SIGTERM (or another); returns what it ended with. */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.running.signal(signal);
    return this.running.finish();
  }
}
