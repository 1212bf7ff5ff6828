// The product's own generator and receiver, as the tests run them, and the two namespaces full of links that most tests want.
import { z } from "zod";
import { Lab } from "./namespaces.ts";
import { binary } from "./relay.ts";
import type { Running } from "./running.ts";

const genSchema = z.object({ sent: z.number(), failed: z.number(), held: z.boolean(), rate: z.number() });
const countsSchema = z.object({
  received: z.number(),
  lost: z.number(),
  duplicated: z.number(),
  reordered: z.number(),
  corrupt: z.number(),
});
const sinkSchema = countsSchema.extend({
  distinct: z.number(),
  foreign: z.number(),
  empty: z.number(),
  streams: z.number(),
  kernel_drops: z.number(),
  complete: z.boolean(),
  flows: z.array(countsSchema),
});

/** What `gen --json` says of its run. */
export type Sent = z.output<typeof genSchema>;
/** What `sink --json` says of what arrived. */
export type Received = z.output<typeof sinkSchema>;

/** Nothing lost, nothing twice, nothing late, nothing damaged: for toMatchObject on a Received. */
export const intact = { lost: 0, duplicated: 0, reordered: 0, corrupt: 0, foreign: 0, kernel_drops: 0, complete: true };

/** Sends by the product's generator to the end of its count or duration; throws when the kernel refused any of it. */
export async function generate(lab: Lab, ns: string, args: readonly string[], deadlineMs = 60_000): Promise<Sent> {
  const ended = await lab.spawn(ns, [binary, "gen", ...args, "--json"]).succeed(deadlineMs);
  return genSchema.parse(JSON.parse(ended.stdout));
}

/** A generator that runs until it is told to end; `finished` then says what it sent. */
export class Stream {
  readonly #running: Running;

  /** `under`: a command that changes something and becomes the one behind it, such as `taskset -c 1`. */
  constructor(lab: Lab, ns: string, args: readonly string[], under: readonly string[] = []) {
    this.#running = lab.spawn(ns, [...under, binary, "gen", ...args, "--json"]);
  }

  /** Ends it and returns its result. */
  async finished(): Promise<Sent> {
    this.#running.signal("SIGINT");
    return genSchema.parse(JSON.parse((await this.#running.succeed()).stdout));
  }
}

/** The product's receiver, listening from `start` on. */
export class Sink {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  /** Returns once it has joined. It ends after `idleSeconds` of silence, counted from its first datagram. */
  static async start(lab: Lab, ns: string, args: readonly string[], idleSeconds = 1): Promise<Sink> {
    const running = lab.spawn(ns, [binary, "sink", ...args, "--idle", String(idleSeconds), "--json"]);
    await running.says("ready", "stderr");
    return new Sink(running);
  }

  /** What arrived, once there is silence. When nothing ever comes it is told to end, and says so. */
  async received(silenceMs = 3000): Promise<Received> {
    const overdue = setTimeout(() => this.#running.signal("SIGINT"), silenceMs);
    const ended = await this.#running.finish(silenceMs + 5000);
    clearTimeout(overdue);
    return sinkSchema.parse(JSON.parse(ended.stdout));
  }
}

/**
 * The bench of test/README.md with a second link between relay and sink, all as real single frames:
 * gen out0 (10.0.1.1) -- in0 (10.0.1.2) relay, out0 (10.0.2.1) -- in0 (10.0.2.2) sink, out1 (10.0.3.1) -- in1 (10.0.3.2) sink.
 */
export function bench(label: string): Lab {
  const lab = Lab.create(label);
  const offloads = { "tx-udp-segmentation": false };
  lab.veth({ ns: "gen", link: "out0", address: "10.0.1.1/24" }, { ns: "relay", link: "in0", address: "10.0.1.2/24" });
  for (const at of [0, 1]) {
    const [relay, sink] = [`10.0.${at + 2}.1/24`, `10.0.${at + 2}.2/24`];
    lab.veth(
      { ns: "relay", link: `out${at}`, address: relay },
      { ns: "sink", link: `in${at}`, address: sink },
      { offloads },
    );
  }
  lab.offloads("gen", "out0", offloads);
  return lab;
}

/** Ethernet address of a link. */
export function macOf(lab: Lab, ns: string, link: string): string {
  return /link\/ether (\S+)/.exec(lab.ip(ns, `link show dev ${link}`))?.[1] ?? "";
}
