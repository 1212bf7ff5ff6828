// What egress is given by whoever runs it: a worker, its warm-up, a test.
import { egress as counter } from "./counters.ts";
import type { WallClock } from "./latency.ts";
import type { Queue } from "./queue.ts";
import type { RegionEvents } from "./regions.ts";
import type { Sender, Sends } from "./sends.ts";
import type { Stamper } from "./stamp.ts";

/** What egress stands on: its queue, its kernel, its counters, and whom to tell when a socket or region is free. */
export type EgressParts = RegionEvents & {
  counters: Float64Array;
  queue: Queue;
  sender: Sender;
  sends: Sends;
  /** For datagrams that keep their sender's address: a place for the headers of each send. */
  stamper: Stamper;
  /** Measures latency where there is one. */
  wallUs?: WallClock;
  /** How many outputs all flows of rules that map may have together; default limits.flowOutputsMax. */
  flowOutputsMax?: number;
  /** The socket of an output that is gone. */
  socketClosed: (fd: number) => void;
};

/** Notes how deep the queue is, and what lay in it while nobody had been woken. */
export function countQueue({ queue, counters }: EgressParts, depth: number): void {
  if (depth > (counters[counter.queueDepthMax] as number)) {
    counters[counter.queueDepthMax] = depth;
  }
  if (queue.stranded > 0) {
    counters[counter.stranded] = (counters[counter.stranded] as number) + queue.stranded;
    queue.stranded = 0;
  }
}
