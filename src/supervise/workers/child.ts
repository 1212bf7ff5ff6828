// One worker process as the supervisor holds it: its birth, its orders and their acknowledgements, its log, its end.
import { programVersion } from "../../base/version.ts";
import { limits } from "../../limits.ts";
import type { LogTaker } from "../../log/forward.ts";
import type { Origin } from "../../log/layout.ts";
import { abiText } from "../../shim/abi.ts";
import { errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import type { RingKind } from "../../shim/ring.ts";
import type { DoorMessage, Half, IoWish, Order, Report } from "../../worker/orders.ts";
import type { Heirless } from "../succession/will.ts";
import { readLog } from "./log-pipe.ts";
import { OpenOrders } from "./open-orders.ts";
import { OrderWriter } from "./order-writer.ts";
import { pinAll } from "./pin.ts";
import { Pulse } from "./pulse.ts";
import { ReportReader } from "./reports.ts";
import { describe } from "./symptoms.ts";
import { closeWires, openWires, passThrough, type Wires } from "./wires.ts";

/** How a worker is to live; `command` plays the part of a worker when it is given a door as its fd 3. */
export type ChildPlan = {
  command: readonly string[];
  uid: number;
  gid: number;
  pipeline: "split" | "unified";
  io: IoWish;
  /** What becomes the root of its file system (isolation.ts). */
  emptyRoot: number | undefined;
};

/** How a worker process ended; `failure` is why we ended it ourselves, or why it says that it cannot live. */
export type ChildEnd = { exitCode: number | null; signal: string | null; failure: string | undefined };

/** What a worker process does of its own accord. */
export type ChildEvents = {
  /** Where the bytes of its log go; the origin says later which place it got. */
  openLog: (origin: Origin) => LogTaker;
  ended: (child: Child, end: ChildEnd) => void;
};

/** From nothing: what steers Bun (BUN_OPTIONS, BUN_BE_BUN, NODE_OPTIONS) must not reach a worker. */
const environment = { BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: String(limits.lastCompilerFrom) };

/** Where a worker lives: the number of its place, its core, the counter page. */
export type Home = { index: number; core: number; counters: number };

/** One worker process, from its spawn to its end. */
export class Child {
  /** How it waits and sends, once it is born. */
  io: RingKind | undefined;
  /** What each half reported of its rules last (worker/digest.ts). */
  readonly rules: Partial<Record<Half, string>> = {};
  /** It was alive and did nothing. */
  isStuck = false;
  private readonly plan: ChildPlan;
  private readonly events: ChildEvents;
  private readonly process: Bun.Subprocess;
  private readonly origin: Origin;
  private readonly wires: Wires;
  private readonly writer: OrderWriter;
  private readonly orders: OpenOrders;
  private readonly pulse: Pulse;
  private readonly logRead: Promise<void>;
  private request: { end(): void } | undefined;
  private readonly birth = Promise.withResolvers<string | undefined>();
  private sinceMs = performance.now();
  private isBorn = false;
  private hasHome = false;
  private lookedMs = this.sinceMs;
  private unbornMs = 0;
  private sequence = 0;
  private heartbeat = 0;
  private failure: string | undefined;
  private lastWords: string | undefined;
  private burial: ReturnType<typeof setTimeout> | undefined;
  private isEnding = false;
  private hasEnded = false;

  /** Throws when the system has no process or no descriptor for it. */
  constructor(plan: ChildPlan, events: ChildEvents) {
    this.plan = plan;
    this.events = events;
    const { ours, theirs } = openWires();
    this.wires = ours;
    this.orders = new OpenOrders(this.sinceMs);
    this.pulse = new Pulse(this.sinceMs);
    try {
      this.process = Bun.spawn([...plan.command], {
        env: environment,
        cwd: "/",
        stdio: ["ignore", "ignore", theirs.log, theirs.door],
        onExit: (_, exitCode, signal) => this.ended(exitCode, signal),
      });
    } catch (thrown) {
      closeWires(ours);
      closeWires(theirs);
      throw thrown;
    }
    this.origin = { worker: "spare", pid: this.process.pid };
    this.writer = new OrderWriter(ours.ingress, ours.egress, (reason) => this.giveUp(reason));
    this.greet([theirs.request, theirs.ingress, theirs.egress]);
    closeWires(theirs);
    void this.readReports(ours.request);
    this.logRead = readLog(ours.log, events.openLog(this.origin));
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Settles when the worker has said that it lives, or with the reason why it does not. */
  get born(): Promise<string | undefined> {
    return this.birth.promise;
  }

  /** True when the worker lives and could be given a home at once. */
  get isReady(): boolean {
    return this.isBorn && !this.hasEnded && this.failure === undefined;
  }

  /** What leads to a worker that works and owes nothing: another supervisor can end it. */
  get bequest(): Heirless | undefined {
    const isAtRest = this.isReady && this.hasHome && this.orders.isEmpty && this.writer.isIdle;
    return isAtRest ? { pid: this.pid, ...this.wires } : undefined;
  }

  /** True when orders that change rules are on their way. */
  get hasOpenChanges(): boolean {
    return this.orders.hasChanges;
  }

  /** How long it has worked, or not come to work, in milliseconds. Waiting as a spare does not count. */
  get livedMs(): number {
    return performance.now() - this.sinceMs;
  }

  /** How long ago it last had answered all it was asked, in milliseconds. */
  get heartbeatAgeMs(): number {
    return this.pulse.ageMs(performance.now());
  }

  /** Gives a worker that is born its place: from now on it works. Returns why it could not be pinned to its core. */
  settle({ index, core, counters }: Home): string | undefined {
    this.origin.worker = index;
    this.hasHome = true;
    this.sinceMs = performance.now();
    // From outside: the worker has many threads by now and may not look into /proc.
    const pinned = pinAll(this.pid, core);
    this.pass({ kind: "place", worker: index }, [counters]);
    return pinned;
  }

  /** Hands a capture socket through the door. The caller keeps its own descriptor. */
  give(capture: Extract<DoorMessage, { kind: "capture" }>, fd: number): void {
    this.pass(capture, [fd]);
  }

  /** Sends an order; settles when both loops have applied it, or with the reason why not. */
  order(order: Order, sockets: readonly number[] = []): Promise<string | undefined> {
    if (this.hasEnded) {
      return Promise.resolve("it has ended");
    }
    this.sequence++;
    const acknowledged = this.orders.open(this.sequence, order.kind);
    this.writer.send({ seq: this.sequence, order }, sockets);
    return acknowledged;
  }

  /** To be called every heartbeatLookMs: notices when the worker does not live, acknowledge or answer, and ends it. */
  look(nowMs: number): void {
    const stepMs = Math.min(nowMs - this.lookedMs, 2 * limits.heartbeatLookMs);
    this.lookedMs = nowMs;
    if (this.isEnding || this.hasEnded || this.failure !== undefined) {
      return;
    }
    if (!this.isBorn) {
      this.unbornMs += stepMs;
      if (this.unbornMs > limits.workerBirthWaitMs) {
        this.giveUp(`it did not come to life within ${limits.workerBirthWaitMs} ms`);
      }
      return;
    }
    if (!this.hasHome) {
      return;
    }
    const verdict = this.pulse.look(nowMs);
    const overdue = this.orders.look(nowMs);
    if (verdict === "ask") {
      this.pulse.asked();
      this.heartbeat = this.sequence + 1;
      void this.order({ kind: "Ping" });
    } else if (verdict !== "wait") {
      this.isStuck = true;
      this.giveUp(describe(this.pid, this.plan.pipeline, verdict.stuck, verdict.silentMs));
    } else if (overdue !== undefined) {
      this.isStuck = true;
      this.giveUp(overdue);
    }
  }

  /** Asks it to drain and end; kills it when it does not in time. */
  async end(): Promise<void> {
    this.isEnding = true;
    const kill = setTimeout(() => this.process.kill("SIGKILL"), limits.workerEndWaitMs);
    if (this.hasHome) {
      void this.order({ kind: "Shutdown" });
    } else {
      this.process.kill("SIGKILL");
    }
    await Promise.race([this.process.exited, Bun.sleep(limits.workerEndWaitMs + limits.killWaitMs)]);
    clearTimeout(kill);
    // Its last words are still in the pipe.
    await Promise.race([this.logRead, Bun.sleep(limits.logRestWaitMs)]);
  }

  /** Ends it now; the rest is the restart policy's. */
  kill(): void {
    this.process.kill("SIGKILL");
  }

  /** It does not do what a worker does: replaced, as if it had died. */
  giveUp(reason: string): void {
    this.failure ??= reason;
    this.birth.resolve(reason);
    if (!this.hasEnded && !this.isEnding) {
      this.process.kill("SIGKILL");
      // A thread that hangs in the kernel keeps the process from being buried; it never runs again, and nobody waits for it.
      this.burial ??= setTimeout(() => this.ended(null, "SIGKILL"), limits.killWaitMs);
    }
  }

  private greet(streams: [number, number, number]): void {
    const { uid, gid, pipeline, io, emptyRoot } = this.plan;
    const beside = emptyRoot === undefined ? streams : [...streams, emptyRoot];
    this.pass({ kind: "hello", version: programVersion, abi: abiText(), uid, gid, pipeline, io }, beside);
  }

  private pass(said: DoorMessage, fds: readonly number[]): void {
    const sent = passThrough(this.wires.door, said, fds);
    if (sent < 0) {
      this.giveUp(`fd 3 does not take ${said.kind}: ${errnoName(sent)}`);
    }
  }

  private async readReports(fd: number): Promise<void> {
    const reader = new ReportReader({
      heard: (said) => this.hear(said),
      refused: (reason) => this.giveUp(reason),
    });
    // Bun owns the descriptor from here on and closes it when the other end is gone.
    const socket = {
      data: (_: unknown, bytes: Uint8Array) => reader.push(bytes),
      error: () => this.giveUp("its reports ended"),
    };
    this.request = await Bun.connect({ fd, socket } as never);
  }

  private hear(said: Report): void {
    switch (said.kind) {
      case "born":
        this.io = said.io;
        this.isBorn = true;
        this.birth.resolve(undefined);
        return;
      case "stillborn":
        this.lastWords = said.reason;
        return;
      case "done": {
        this.rules[said.by] = said.rules;
        this.pulse.heard(said.by, said.seq === this.heartbeat, performance.now());
        const wrong = this.orders.acknowledge(said);
        if (wrong !== undefined) {
          this.giveUp(wrong);
        }
      }
    }
  }

  private ended(exitCode: number | null, signal: number | string | null): void {
    clearTimeout(this.burial);
    if (this.hasEnded) {
      return;
    }
    this.hasEnded = true;
    this.writer.close();
    this.request?.end();
    shim.mcr_close(this.wires.door);
    const failure = this.failure ?? this.lastWords;
    const how = failure ?? `it ended: ${signal === null ? `exit code ${exitCode}` : `signal ${signal}`}`;
    this.birth.resolve(how);
    this.orders.abandon(how);
    this.events.ended(this, { exitCode, signal: signal === null ? null : String(signal), failure });
  }
}
