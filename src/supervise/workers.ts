// The workers: one place a core, each with a process most of the time. What dies is replaced by policy (restart.ts); a
// replacement gets the counter page and the capture sockets of the one before, and the whole rule set as its first order.
import { limits } from "../limits.ts";
import type { LogTaker } from "../log/forward.ts";
import type { DoorMessage, IoWish, Order } from "../worker/orders.ts";
import { causeOfDeath } from "./cause-of-death.ts";
import { Child } from "./child.ts";
import { Page } from "./pages.ts";
import { afterDeath, neverDied } from "./restart.ts";

/** `failed`: it ended in a way that another try would only repeat. */
export type WorkerState = "starting" | "running" | "restarting" | "stopping" | "failed";

/** One place for a worker process. */
export type Place = {
  readonly index: number;
  readonly core: number;
  readonly page: Page;
  child: Child | undefined;
  state: WorkerState;
  /** Why it is not running. */
  reason: string | undefined;
  restarts: number;
  backoffMs: number;
};

/** What goes through the door beside a capture socket. */
export type CaptureMessage = Extract<DoorMessage, { kind: "capture" }>;

/** What a worker that is born needs from the rest of the supervisor. */
export type Upbringing = {
  /** The capture sockets of the place, to be handed through the door before any rule. */
  captures: (place: Place) => { message: CaptureMessage; fd: number }[];
  /** The orders that bring a fresh worker to the present rule set, sockets beside them. */
  orders: () => { order: Order; sockets: readonly number[] }[];
};

/** How many workers there are, as whom they live, and whom they concern. */
export type WorkersPlan = {
  cores: readonly number[];
  uid: number;
  gid: number;
  pipeline: "split" | "unified";
  io: IoWish;
  /** What becomes the root of their file system (isolation.ts). */
  emptyRoot: number | undefined;
  upbringing: Upbringing;
  /** Nobody writes the page of this place any more, until a successor is born. */
  died: (place: Place) => void;
  /** Where the log of a worker goes. */
  openLog: (place: Place, pid: number) => LogTaker;
  onNews: (level: "Info" | "Warning" | "Error", message: string) => void;
};

/** All places for workers, filled as long as policy allows. */
export class Workers {
  readonly places: readonly Place[];
  private readonly plan: WorkersPlan;
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private isEnding = false;

  constructor(plan: WorkersPlan) {
    this.plan = plan;
    this.places = plan.cores.map((core, index) => ({
      index,
      core,
      page: Page.open(`mcr-counters-${index}`),
      child: undefined,
      state: "starting",
      reason: undefined,
      restarts: 0,
      backoffMs: 0,
    }));
  }

  /** Starts all; returns the reason of each that could not live. */
  async start(): Promise<string[]> {
    const reasons = await Promise.all(this.places.map((place) => this.bear(place, neverDied)));
    return reasons.filter((reason) => reason !== undefined);
  }

  get runningCount(): number {
    return this.places.filter((place) => place.state === "running").length;
  }

  /** The counter pages of all. */
  get pages(): Page[] {
    return this.places.map((place) => place.page);
  }

  /** Waits until every worker runs that is to run, bounded; returns what is wrong with those that do not. */
  async whole(): Promise<string | undefined> {
    const deadline = Date.now() + limits.orderAckWaitMs;
    for (;;) {
      const missing = this.places.find((place) => place.state !== "running");
      if (missing === undefined) {
        return undefined;
      }
      if (missing.state === "failed" || missing.state === "stopping" || Date.now() > deadline) {
        return `worker ${missing.index} is ${missing.state}: ${missing.reason ?? "no reason is known"}`;
      }
      await Bun.sleep(limits.orderRetryMs);
    }
  }

  /** Gives an order to every running worker; returns, for each that did not carry it out, which and why. */
  async order(order: Order, sockets: readonly number[] = []): Promise<string[]> {
    const running = this.places.filter((place) => place.state === "running");
    const answers = await Promise.all(
      running.map(async (place) => {
        const error = await place.child?.order(order, sockets);
        return error === undefined ? undefined : `worker ${place.index} (pid ${place.child?.pid}): ${error}`;
      }),
    );
    return answers.filter((answer) => answer !== undefined);
  }

  /** Hands a capture socket to the worker of a place, if it is running; one born later gets it at birth. */
  give(place: Place, message: CaptureMessage, fd: number): void {
    if (place.state === "running") {
      place.child?.give(message, fd);
    }
  }

  /** Lets all drain and end. With `atOnce` they are killed. */
  async end(): Promise<void> {
    this.isEnding = true;
    for (const timer of this.timers) {
      clearTimeout(timer);
    }
    await Promise.all(
      this.places.map(async (place) => {
        place.state = "stopping";
        await place.child?.end();
      }),
    );
  }

  /** Ends all without draining: the second signal. */
  killAll(): void {
    for (const place of this.places) {
      place.child?.kill();
    }
  }

  private async bear(place: Place, deaths: typeof neverDied): Promise<string | undefined> {
    const { core, page } = place;
    const { uid, gid, pipeline, io, emptyRoot, upbringing } = this.plan;
    place.state = "starting";
    const child = new Child(
      { core, uid, gid, pipeline, io, counters: page.fd, emptyRoot },
      {
        openLog: (pid) => this.plan.openLog(place, pid),
        ended: (each, exitCode, signal) => this.mourn(place, each, deaths, exitCode, signal),
      },
    );
    place.child = child;
    const reason = await child.born;
    if (reason !== undefined || place.child !== child) {
      place.reason = reason;
      return `worker ${place.index} on core ${core}: ${reason}`;
    }
    // No await between here and "running": what changes now must reach it either this way or as an order.
    for (const { message, fd } of upbringing.captures(place)) {
      child.give(message, fd);
    }
    const taught = upbringing.orders().map(({ order, sockets }) => child.order(order, sockets));
    place.state = "running";
    place.reason = undefined;
    const errors = (await Promise.all(taught)).filter((error) => error !== undefined);
    for (const error of errors) {
      this.plan.onNews("Error", `worker ${place.index} (pid ${child.pid}) did not take its rules: ${error}`);
    }
    return errors[0];
  }

  private mourn(
    place: Place,
    child: Child,
    deaths: typeof neverDied,
    exitCode: number | null,
    signal: string | null,
  ): void {
    const how = causeOfDeath(place.page, exitCode, signal);
    place.child = undefined;
    this.plan.died(place);
    if (this.isEnding) {
      return;
    }
    place.reason = place.reason ?? `it ended: ${how}`;
    const nowMs = Date.now();
    const verdict = afterDeath(deaths, exitCode, nowMs - child.bornMs, nowMs);
    if ("isPermanent" in verdict) {
      place.state = "failed";
      this.plan.onNews(
        "Error",
        `worker ${place.index} (pid ${child.pid}) ended: ${how}; it would only do so again, so it is not restarted`,
      );
      return;
    }
    place.state = "restarting";
    place.restarts++;
    place.backoffMs = verdict.restartInMs;
    this.plan.onNews(
      "Warning",
      `worker ${place.index} (pid ${child.pid}) ended: ${how}; restarting in ${verdict.restartInMs} ms`,
    );
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.bear(place, verdict.deaths);
    }, verdict.restartInMs);
    this.timers.add(timer);
  }
}
