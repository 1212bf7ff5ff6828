// Entry point of the egress thread (`split`). It serves no event loop: once started, it lives in its ring.
import { parentPort, workerData } from "node:worker_threads";
import { exitCodes } from "../base/exit.ts";
import { reasonOf } from "../base/outcome.ts";
import { egress } from "../relay/counters.ts";
import { Queue } from "../relay/queue.ts";
import { nameThread } from "../shim/process.ts";
import { EgressSide } from "./egress-side.ts";
import { sayFinal } from "./final.ts";
import { run } from "./loop.ts";
import { awaitPage, end, openCounters, openLog, openRing, prefer, type ThreadSetup, watch } from "./parts.ts";
import { RegionTable } from "./regions.ts";
import { OrderStream, Reporter } from "./streams.ts";
import { warmUp } from "./warmup.ts";

function live(setup: ThreadSetup): void {
  const pipe = openLog();
  const log = pipe.writer("Egress");
  try {
    nameThread("mcr egress");
    const ring = openRing(setup.io, log);
    warmUp(ring.kind, log);
    prefer(log);
    // The main thread waits for this before it gives up, for all threads, the right to open anything.
    parentPort?.postMessage(ring.kind);
    const counters = openCounters(awaitPage(setup))?.f64;
    if (counters === undefined) {
      throw new Error("the counter page could not be mapped");
    }
    pipe.countIn(counters, egress.linesLost);
    const queue = new Queue(setup.queue, "consumer");
    const reporter = new Reporter(setup.request);
    const side = new EgressSide({
      ring,
      counters,
      queue,
      regions: new RegionTable(setup.regions),
      orders: new OrderStream(setup.orders),
      reporter,
      pipe,
      wakeup: setup.wakeup,
    });
    run(ring, [side], queue, watch(counters, egress.stallMaxUs));
    reporter.close();
    sayFinal(pipe, counters);
    end(exitCodes.ok);
  } catch (thrown) {
    log.say("Critical", `the egress thread cannot go on: ${reasonOf(thrown)}`);
    end(exitCodes.broken);
  }
}

live(workerData as ThreadSetup);
