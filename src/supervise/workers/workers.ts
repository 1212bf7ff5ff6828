// The workers: one place a core, each with a process most of the time. What dies is replaced by policy (restart.ts); a
// replacement gets the counter page and the capture sockets of the one before, and the whole rule set as its first order.
import { reasonOf } from "../../base/outcome.ts";
import { limits } from "../../limits.ts";
import type { LogTaker } from "../../log/forward.ts";
import type { Origin } from "../../log/layout.ts";
import type { DoorMessage, Order } from "../../worker/orders.ts";
import type { Page } from "../counters/pages.ts";
import type { Predecessor } from "../succession/predecessor.ts";
import type { PlaceWill } from "../succession/will.ts";
import { causeOfDeath } from "./cause-of-death.ts";
import { Child, type ChildEnd, type ChildPlan } from "./child.ts";
import { type Place, placesOf } from "./place.ts";
import { afterDeath } from "./restart.ts";
import { Spare } from "./spare.ts";

/** What goes through the door beside a capture socket. */
export type CaptureMessage = Extract<DoorMessage, { kind: "capture" }>;

/** What a worker that is born needs from the rest of the supervisor. */
export type Upbringing = {
  /** The capture sockets of the place, to be handed through the door before any rule. */
  captures: (place: Place) => { message: CaptureMessage; fd: number }[];
  /** The orders that bring a fresh worker to the present rule set, sockets beside them; the rules are the last. */
  orders: () => { order: Order; sockets: readonly number[] }[];
};

/** How many workers there are, how they live, and whom they concern. */
export type WorkersPlan = ChildPlan & {
  cores: readonly number[];
  /** Whether one more waits for the death of another. */
  hasSpare: boolean;
  /** What the supervisor before us left in each place. */
  inherited?: readonly PlaceWill[] | undefined;
  upbringing: Upbringing;
  /** Nobody writes the page of this place any more, until a successor is born. */
  died: (place: Place) => void;
  /** Where the log of a worker goes. */
  openLog: (origin: Origin) => LogTaker;
  onNews: (level: "Info" | "Warning" | "Error", message: string) => void;
};

/** All places for workers, filled as long as policy allows. */
export class Workers {
  readonly places: readonly Place[];
  /** The counter pages of all. */
  readonly pages: readonly Page[];
  private readonly plan: WorkersPlan;
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  readonly spare: Spare;
  private looker: ReturnType<typeof setInterval> | undefined;
  private isEnding = false;
  /** True while the workers of the supervisor before us are relieved. */
  isTakingOver = false;

  constructor(plan: WorkersPlan) {
    this.plan = plan;
    this.places = placesOf(plan.cores, plan.inherited);
    this.pages = this.places.map((place) => place.page);
    this.spare = new Spare({ make: () => this.make(), onNews: plan.onNews });
  }

  /** Starts all; returns the reason of each that could not live. Those that may yet are tried again. */
  async start(): Promise<string[]> {
    this.looker = setInterval(() => this.look(), limits.heartbeatLookMs);
    const reasons = await Promise.all(this.places.map((place) => this.bear(place)));
    if (this.plan.hasSpare) {
      this.spare.prepare();
    }
    return reasons.filter((reason) => reason !== undefined);
  }

  /**
   * Instead of start(): each worker of the supervisor before us relays until a spare is born that takes over its place, one place after
   * the other. As after a death, but for that nothing is lost. Returns how long the longest pause between the two was.
   */
  async succeed(predecessors: readonly (Predecessor | undefined)[]): Promise<{ pauseMs: number; reasons: string[] }> {
    this.looker = setInterval(() => this.look(), limits.heartbeatLookMs);
    this.isTakingOver = true;
    const reasons: string[] = [];
    let pauseMs = 0;
    for (const place of this.places) {
      const before = predecessors[place.index];
      const heir = (await this.spare.ready()) ? this.spare.take() : undefined;
      const introduced = heir === undefined ? [] : this.introduce(place, heir);
      await Promise.all(introduced);
      const sinceMs = performance.now();
      await before?.retire();
      const endedMs = performance.now();
      this.plan.died(place);
      const reason = await (heir?.isReady ? this.bringUp(place, heir, introduced) : this.bear(place));
      reasons.push(...(reason === undefined ? [] : [reason]));
      pauseMs = before === undefined ? pauseMs : Math.max(pauseMs, performance.now() - sinceMs);
      const [ended, begun] = [endedMs - sinceMs, performance.now() - endedMs].map((each) => each.toFixed(1));
      this.plan.onNews(
        "Info",
        `worker ${place.index} was relieved: the old one took ${ended} ms to end, the new one ${begun} to begin`,
      );
    }
    this.isTakingOver = false;
    if (this.plan.hasSpare) {
      this.spare.prepare();
    }
    return { pauseMs, reasons };
  }

  /** The pid of the spare worker, whether it waits or is being born. */
  get sparePid(): number | undefined {
    return this.spare.child?.pid;
  }

  /** True when one could take over at once. */
  get isSpareReady(): boolean {
    return this.spare.child?.isReady === true;
  }

  get runningCount(): number {
    return this.places.filter((place) => place.state === "running").length;
  }

  /** Waits until every worker runs that is to run, bounded; returns what is wrong with those that do not. */
  async whole(): Promise<string | undefined> {
    const deadline = performance.now() + limits.orderAckWaitMs;
    for (;;) {
      const missing = this.places.find((place) => place.state !== "running");
      if (missing === undefined) {
        return undefined;
      }
      if (missing.state === "failed" || missing.state === "stopping" || performance.now() > deadline) {
        return `worker ${missing.index} is ${missing.state}: ${missing.reason ?? "no reason is known"}`;
      }
      await Bun.sleep(limits.orderRetryMs);
    }
  }

  /** Gives an order to every running worker; returns, for each that did not carry it out, which and why. */
  async order(order: Order, sockets: readonly number[] = []): Promise<string[]> {
    const running = this.places.filter((place) => place.state === "running");
    const answers = await Promise.all(
      running.map(async ({ index, child }) => {
        const error = await child?.order(order, sockets);
        return error === undefined ? undefined : `worker ${index} (pid ${child?.pid}): ${error}`;
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
    clearInterval(this.looker);
    for (const timer of this.timers) {
      clearTimeout(timer);
    }
    await Promise.all([
      this.spare.end(),
      ...this.places.map(async (place) => {
        place.state = "stopping";
        await place.child?.end();
      }),
    ]);
  }

  /** Ends all without draining: the second signal. */
  killAll(): void {
    this.spare.child?.kill();
    for (const place of this.places) {
      place.child?.kill();
    }
  }

  private look(): void {
    const nowMs = performance.now();
    this.spare.child?.look(nowMs);
    for (const { child } of this.places) {
      child?.look(nowMs);
    }
  }

  private make(): Child {
    return new Child(this.plan, { openLog: this.plan.openLog, ended: (child, end) => this.ended(child, end) });
  }

  private async bear(place: Place): Promise<string | undefined> {
    const { index, core } = place;
    const name = `worker ${index} on core ${core}`;
    place.state = "starting";
    let child: Child;
    try {
      child = this.spare.take() ?? this.make();
    } catch (thrown) {
      place.reason = `it could not be started: ${reasonOf(thrown)}`;
      this.again(place, `worker ${index} could not be started: ${reasonOf(thrown)}`, null, 0);
      return `${name}: ${place.reason}`;
    }
    place.child = child;
    const reason = await child.born;
    if (place.child !== child) {
      return `${name}: ${reason ?? place.reason}`;
    }
    if (reason !== undefined) {
      // It is being ended; what follows is decided when it is gone.
      place.reason = reason;
      return `${name}: ${reason}`;
    }
    const error = await this.bringUp(place, child);
    return error === undefined ? undefined : `${name}: ${error}`;
  }

  /** Gives a worker its place and what belongs to it, but no rules: before it has those it takes no frame. */
  private introduce(place: Place, child: Child): Promise<string | undefined>[] {
    const { index, core, page } = place;
    const { upbringing, onNews } = this.plan;
    const unpinned = child.settle({ index, core, counters: page.fd });
    if (unpinned !== undefined) {
      onNews("Warning", `worker ${index} (pid ${child.pid}): ${unpinned}`);
    }
    for (const { message, fd } of upbringing.captures(place)) {
      child.give(message, fd);
    }
    const before = upbringing.orders().slice(0, -1);
    return before.map(({ order, sockets }) => child.order(order, sockets));
  }

  private async bringUp(
    place: Place,
    child: Child,
    taught = this.introduce(place, child),
  ): Promise<string | undefined> {
    const { upbringing, hasSpare, onNews } = this.plan;
    const name = `worker ${place.index} (pid ${child.pid})`;
    // No await before "running": what changes now must reach it either this way or as an order.
    const rules = upbringing.orders().slice(-1);
    taught.push(...rules.map(({ order, sockets }) => child.order(order, sockets)));
    place.child = child;
    place.state = "running";
    place.reason = undefined;
    const errors = (await Promise.all(taught)).filter((error) => error !== undefined);
    for (const error of errors) {
      onNews("Error", `${name} did not take its rules: ${error}`);
    }
    if (hasSpare && !this.isTakingOver) {
      this.spare.prepare();
    }
    return errors[0];
  }

  private ended(child: Child, end: ChildEnd): void {
    const place = this.places.find((each) => each.child === child);
    if (place === undefined) {
      this.spare.ended(child, end);
      return;
    }
    place.child = undefined;
    place.exitCode = end.exitCode;
    const exit = causeOfDeath(place.page, end.exitCode, end.signal);
    place.stalls += child.isStuck ? 1 : 0;
    this.plan.died(place);
    if (this.isEnding) {
      return;
    }
    const how = end.failure === undefined ? exit : `${end.failure} (${exit})`;
    place.reason = `it ended: ${how}`;
    this.again(place, `worker ${place.index} (pid ${child.pid}) ended: ${how}`, end.exitCode, child.livedMs);
  }

  /** Fills a place whose worker is gone, now or later, or not at all. */
  private again(place: Place, what: string, exitCode: number | null, livedMs: number): void {
    const verdict = afterDeath(place.deaths, exitCode, livedMs);
    place.deaths = verdict.deaths;
    if ("permanent" in verdict) {
      place.state = "failed";
      place.reason = `${place.reason}; ${verdict.permanent}`;
      this.plan.onNews("Error", `${what}; ${verdict.permanent}: it would only end so again and is not restarted`);
      return;
    }
    place.state = "restarting";
    place.restarts++;
    place.backoffMs = verdict.restartInMs;
    this.plan.onNews("Warning", `${what}; restarting in ${verdict.restartInMs} ms`);
    if (verdict.restartInMs === 0) {
      void this.bear(place);
      return;
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.bear(place);
    }, verdict.restartInMs);
    this.timers.add(timer);
  }
}
