// Where chaos happens: a relay with four flows through it, links that come and go beside them, and a log that somebody reads.
//
//   gen out0 ─────────── in0 relay out0 ─────────── in0 sink     stays as it is: here datagrams are counted
//                                  out1 ─────────── in1 sink     goes down and up
//   gen gc0  ─────────── c0  relay o0   ─────────── so0 sink     come, go, are renamed
import { join } from "node:path";
import type { Lab } from "../helpers/namespaces.ts";
import { Relay } from "../helpers/relay.ts";
import type { Running } from "../helpers/running.ts";
import { bench, Sink, Stream } from "../helpers/traffic.ts";
import { until } from "../helpers/until.ts";
import { restoreLinks } from "./events/link.ts";
import { chaosStatus, waitingIn } from "./status.ts";

/** Flows that are counted: rules `flow-0` to `flow-3`. */
export const flowCount = 4;
/** Consecutive ports from here, at the generator and behind the relay. */
const firstPort = { input: 5000, output: 6000 };

/** The rule of a flow; `isWide`: with an output more, on the link that goes down and up. */
export function flowRule(index: number, isWide: boolean): object {
  const outputs = [
    { group: "239.2.2.2", port: firstPort.output + index, interface: "out0" },
    { group: "239.3.3.3", port: firstPort.output + index, interface: "out1" },
  ];
  const input = { input_interface: "in0", input_group: "239.1.1.1", input_port: firstPort.input + index };
  return { AddRule: { name: `flow-${index}`, ...input, outputs: isWide ? outputs : outputs.slice(0, 1) } };
}

/** A rule whose links come and go. */
const onVictims = {
  ...{ name: "victim", input_interface: "c0", input_group: "239.9.0.1", input_port: 5000 },
  outputs: [{ group: "239.4.0.1", port: 5001, interface: "o0" }],
};

/** A receiver of the counted flows on the link that stays. */
export function listen(lab: Lab, idleSeconds: number): Promise<Sink> {
  const group = ["--group", "239.2.2.2", "--port", `${firstPort.output}`, "--interface", "in0"];
  return Sink.start(lab, "sink", [...group, "--flows", `${flowCount}`], idleSeconds);
}

/** What `gen` is to send: the counted flows, `rate` datagrams a second each. */
export function flows(rate: number): string[] {
  const group = ["--group", "239.1.1.1", "--port", `${firstPort.input}`, "--interface", "out0"];
  return [...group, "--flows", `${flowCount}`, "--rate", `${rate * flowCount}`, "--size", "200"];
}

/** The relay under test and everything around it. `calm` ends what events began; `close` removes it all. */
export class World {
  readonly lab: Lab;
  readonly relay: Relay;
  /** Reads what the supervisor logs; stopped, it is a log that nobody reads. */
  readonly reader: Running;
  /** Rules that were added by events, and what commands were refused with. */
  readonly neighbours = new Set<string>();
  readonly refused: string[] = [];
  /** Sent by floods to ports that no rule has, in groups that have some: frames that workers see. */
  flooded = 0;
  readonly #calm = Promise.withResolvers<void>();
  readonly #errors: unknown[] = [];
  readonly #underWay: Promise<void>[] = [];
  #turn: Promise<void> = Promise.resolve();

  private constructor(lab: Lab, relay: Relay, reader: Running) {
    this.lab = lab;
    this.relay = relay;
    this.reader = reader;
  }

  /** Namespaces, links, the relay with its rules, all of them running. */
  static async create(label: string): Promise<World> {
    const lab = bench(label);
    const fifo = join(lab.dir, "log");
    lab.exec("relay", ["mkfifo", fifo]);
    // The supervisor's stderr is the fifo: this process reads nothing of it, so that a reader can be stopped.
    const reader = lab.spawn("relay", ["cat", fifo]);
    const under = ["sh", "-c", 'exec "$@" 2> "$0"', fifo];
    restoreLinks(lab);
    try {
      const relay = await Relay.start(lab, "relay", ["--workers", "2"], { under });
      const world = new World(lab, relay, reader);
      for (let index = 0; index < flowCount; index++) await relay.must(flowRule(index, index === 0));
      await relay.must({ AddRule: onVictims });
      return world;
    } catch (error) {
      await lab.close();
      throw new Error(`the relay did not start: ${reader.stdout}`, { cause: error });
    }
  }

  /** A generator of the counted flows, until it is told to end. */
  stream(rate: number): Stream {
    return new Stream(this.lab, "gen", flows(rate));
  }

  /** So long, or until calm. */
  pause(ms: number): Promise<unknown> {
    return Promise.race([Bun.sleep(ms), this.#calm.promise]);
  }

  /** What goes on while other events happen; a failure of it fails `calm`. */
  begin(work: () => Promise<unknown>): void {
    this.#underWay.push(this.#kept(work()));
  }

  /** As `begin`, one after the other: changes of rules, which keep their order. */
  inTurn(work: () => Promise<unknown>): void {
    this.#turn = this.#turn.then(() => this.#kept(work()));
  }

  async #kept(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#errors.push(error);
    }
  }

  /** A command that a worker's death may cross: its answer has to come. A refusal for any other reason is kept as a fault. */
  async ask(command: object): Promise<boolean> {
    const reply = await this.relay.send(command, 20_000);
    const isDone = typeof reply === "object" && reply !== null && "Success" in reply;
    // All workers or none: a worker that is stuck or dies in the middle of a change costs the change, and the answer says so.
    const isWorkers = /worker \d+ \(pid \d+\): .*Nothing was changed/.test(JSON.stringify(reply));
    if (!isDone && !isWorkers) this.refused.push(`${JSON.stringify(command)}: ${JSON.stringify(reply)}`);
    return isDone;
  }

  /** No more events: ends those that last, puts links and rules back, and waits until every rule and worker runs. */
  async calm(deadlineMs: number): Promise<void> {
    this.#calm.resolve();
    // Twice: what is under way may have begun something itself.
    for (const _ of [1, 2]) {
      await this.#turn;
      await Promise.all(this.#underWay.splice(0));
    }
    if (this.#errors.length > 0) throw new AggregateError(this.#errors, `events failed: ${this.#errors.join("; ")}`);
    restoreLinks(this.lab);
    // Before: a change that meets a dying worker is refused.
    await this.ready(deadlineMs);
    for (const name of this.neighbours) await this.relay.must({ RemoveRuleByName: { name } });
    this.neighbours.clear();
    await this.relay.must(flowRule(0, true));
    await this.ready(deadlineMs);
  }

  /** Waits until every rule and worker runs. */
  async ready(deadlineMs: number): Promise<void> {
    await until(
      "every worker and rule runs",
      async () => waitingIn(await chaosStatus(this.relay)),
      (waiting) => waiting.length === 0,
      { deadlineMs, everyMs: 100 },
    );
  }

  async close(): Promise<void> {
    await this.lab.close();
  }
}
