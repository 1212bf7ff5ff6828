// Entry point of the egress thread (`split`). It serves no event loop: once started, it lives in its ring.
import { workerData } from "node:worker_threads";
import { exitCodes } from "../base/exit.ts";
import { reasonOf } from "../base/outcome.ts";
import { Queue } from "../relay/queue.ts";
import { shim } from "../shim/library.ts";
import { text } from "../shim/memory.ts";
import { EgressSide } from "./egress-side.ts";
import { sayEgressFinal } from "./final.ts";
import { run } from "./loop.ts";
import { clockNs, end, openCounters, openLog, openRing, type ThreadSetup } from "./parts.ts";
import { RegionTable } from "./regions.ts";
import { OrderStream, Reporter } from "./streams.ts";

function live(setup: ThreadSetup): void {
  const log = openLog("Egress");
  try {
    shim.mcr_name(text("mcr egress"));
    const counters = openCounters(setup.counters);
    if (counters === undefined) {
      throw new Error("the counter page could not be mapped");
    }
    const ring = openRing();
    const queue = new Queue(setup.queue, "consumer");
    const side = new EgressSide({
      ring,
      counters,
      queue,
      regions: new RegionTable(setup.regions),
      orders: new OrderStream(setup.orders),
      reporter: new Reporter(setup.request),
      log,
      wakeup: setup.wakeup,
    });
    run(ring, [side], queue, clockNs);
    sayEgressFinal(log, counters);
    end(exitCodes.ok);
  } catch (thrown) {
    log.say("Critical", `the egress thread cannot go on: ${reasonOf(thrown)}`);
    end(exitCodes.broken);
  }
}

live(workerData as ThreadSetup);
