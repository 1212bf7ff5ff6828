// Stands before the service manager as long as it may ask for a sign of life: from "ready" on, and through a takeover, because a
// supervisor that takes over was ready before. With many workers, or a slow machine, that takes longer than a watchdog is patient.
import type { Log } from "../../log/forward.ts";
import { shim } from "../../shim/library.ts";
import { sendUnixDatagram } from "../../shim/unix-datagram.ts";
import type { House } from "../house.ts";
import { liveState } from "../rules/live-rule.ts";
import { areAlive, ServiceManager, statusLine } from "./service-manager.ts";

const monotonicClock = 1;

/** What it asks of a house. */
export type Attended = {
  workers: Pick<House["workers"], "isTakingOver" | "places" | "runningCount">;
  stats: Pick<House["stats"], "flows">;
  relaying: Pick<House["relaying"], "list">;
};

/** Speaks for a house to its service manager. */
export class Attendance {
  readonly service: ServiceManager;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor({ relaying, stats, workers }: Attended, log: Pick<Log, "say">) {
    this.service = new ServiceManager({
      variables: process.env,
      pid: process.pid,
      send: sendUnixDatagram,
      status: () =>
        statusLine({
          flowRates: stats.flows().map((flow) => flow.packets_per_second),
          pending: relaying.list().filter((live) => liveState(live) === "pending").length,
          workersRunning: workers.runningCount,
          workers: workers.places.length,
        }),
      // Workers that are still to be relieved answer nobody; each step of a takeover is bounded.
      areWorkersAlive: () => workers.isTakingOver || areAlive(workers.places),
      clockUs: () => shim.mcr_clock_ns(monotonicClock) / 1000,
      onNews: (level, message) => log.say(level, message),
    });
  }

  /** From now on it hears that we live. To be called once more does nothing. */
  begin(): void {
    const { tickMs } = this.service;
    if (tickMs > 0 && this.timer === undefined) {
      this.timer = setInterval(() => this.service.tick(), tickMs);
    }
  }

  end(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
