// One stretch of traffic: the generator at one end, a counter or a receiver at the other, each answering in JSON.
import { getPriority } from "node:os";
import { z } from "zod";
import type { Lab } from "../helpers/namespaces.ts";
import type { Running } from "../helpers/running.ts";
import { until } from "../helpers/until.ts";
import { farAddress, input, type Place, sinkLinks, source, spelled } from "./bed.ts";
import { bpfObject, program } from "./compile.ts";

/**
 * `rate` in datagrams per second, 0: as fast as it goes. `burst`: datagrams back to back, the bursts evenly spaced; with a `seed`,
 * which is no 0, up to so many at random moments.
 */
export type Stream = { size: number; rate: number; burst: number; seconds: number; seed?: number };

const sentSchema = z.object({
  sent: z.number(),
  errors: z.number(),
  elapsed_ns: z.number().positive(),
  cpu_ns: z.number(),
  send_ns: z.number(),
  shifted_ns: z.number(),
});

const totalsSchema = z.object({ datagrams: z.number(), frames: z.number() });

const receivedSchema = z.object({
  received: z.number(),
  late: z.number(),
  p50_ns: z.number(),
  p99_ns: z.number(),
  p999_ns: z.number(),
  max_ns: z.number(),
  over_1ms: z.number(),
  over_20ms: z.number(),
});

export type Sent = z.output<typeof sentSchema>;
export type Received = z.output<typeof receivedSchema>;

/** nice(1) adds to what a process has; `nice` is what it shall have. */
function niced(nice: number, command: readonly string[]): string[] {
  return nice === 0 ? [...command] : ["nice", "-n", String(nice - getPriority()), ...command];
}

/** Begins to send a stream over `flows` flows. */
export function startSending(lab: Lab, flows: number, stream: Stream, nice: number): Running {
  const { size, rate, burst, seconds, seed } = stream;
  const random = seed === undefined ? [] : [seed];
  const numbers = [input.port, flows, size, rate, burst, Math.round(seconds * 1000), ...random].map(String);
  const pinned = ["taskset", "-c", String(source.cpu), program("gen.c"), source.address, input.group, ...numbers];
  return lab.spawn("gen", niced(nice, pinned));
}

/** Sends a stream over `flows` flows and returns what the generator says of it. */
export async function send(lab: Lab, flows: number, stream: Stream, nice: number): Promise<Sent> {
  const ended = await startSending(lab, flows, stream, nice).succeed(stream.seconds * 1000 + 20_000);
  return sentSchema.parse(JSON.parse(ended.stdout));
}

/** A program that answers each line on its stdin with one line of JSON. */
export class Answering {
  readonly #running: Running;
  #asked = 0;

  constructor(running: Running) {
    this.#running = running;
  }

  /** Waits until the program has said that it is ready. */
  async ready(): Promise<this> {
    await this.#running.says("ready\n");
    return this;
  }

  async ask<T>(schema: z.ZodType<T>): Promise<T> {
    this.#asked += 1;
    this.#running.write("\n");
    const lines = await until(
      "an answer",
      () => this.#running.stdout.split("\n").slice(0, -1),
      ({ length }) => length > this.#asked,
      { everyMs: 2 },
    );
    return schema.parse(JSON.parse(lines[this.#asked] ?? ""));
  }

  /** Ends it by the end of its stdin, so that it takes back what it did. */
  async close(): Promise<void> {
    this.#running.closeInput();
    await this.#running.finish();
  }
}

/**
 * Counts datagrams at tc ingress of the receiver's links (or of `links` in `ns`) and drops them there, so that receiving never
 * limits a rate. Returns how many came since it started.
 */
export class Counter {
  readonly #answering: Answering;

  private constructor(answering: Answering) {
    this.#answering = answering;
  }

  static async open(lab: Lab, ns = "sink", links: readonly string[] = sinkLinks): Promise<Counter> {
    const running = lab.spawn(ns, [program("counter.c"), bpfObject("count.bpf.c"), ...links]);
    return new Counter(await new Answering(running).ready());
  }

  async datagrams(): Promise<number> {
    return (await this.#answering.ask(totalsSchema)).datagrams;
  }

  /** As `datagrams`, once they have stopped coming. */
  async settled(): Promise<number> {
    let last = await this.datagrams();
    const isStill = (now: number) => {
      const still = now === last;
      last = now;
      return still;
    };
    return until("the last datagram", () => this.datagrams(), isStill, { everyMs: 60 });
  }

  close(): Promise<void> {
    return this.#answering.close();
  }
}

/**
 * Receives at real sockets, one for each flow of each arrival, on the generator's CPU, where the generator goes before it unless
 * `nice` says otherwise.
 */
export async function openReceiver(lab: Lab, arrivals: readonly Place[], flows: number, nice = 0): Promise<Answering> {
  const places = arrivals.flatMap((place) =>
    Array.from({ length: flows }, (_, flow) =>
      spelled({ ...place, port: place.port + flow, address: farAddress(place) }),
    ),
  );
  const command = ["taskset", "-c", String(source.cpu), program("receiver.c"), ...places];
  return new Answering(lab.spawn("sink", niced(nice, command))).ready();
}

/** What arrived at a receiver since it was last asked, with what was still under way. */
export function received(receiver: Answering): Promise<Received> {
  return receiver.ask(receivedSchema);
}
