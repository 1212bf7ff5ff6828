// One worker process as the supervisor holds it: its birth, its orders and their acknowledgements, its log, its end.
import { z } from "zod";
import { FrameReader } from "../base/frames.ts";
import { programVersion } from "../base/version.ts";
import { limits } from "../limits.ts";
import type { LogTaker } from "../log/forward.ts";
import { abiText } from "../shim/abi.ts";
import { errnoName } from "../shim/errno.ts";
import { shim } from "../shim/library.ts";
import { map, scratch } from "../shim/memory.ts";
import type { RingKind } from "../shim/ring.ts";
import { type DoorMessage, type IoWish, type Order, type Report, report } from "../worker/orders.ts";
import { OrderWriter } from "./order-writer.ts";

/** How a worker is to live. */
export type ChildPlan = {
  core: number;
  uid: number;
  gid: number;
  pipeline: "split" | "unified";
  io: IoWish;
  counters: number;
  emptyRoot: number | undefined;
};

/** What a worker process does of its own accord. */
export type ChildEvents = {
  /** Where the bytes of its log go. */
  openLog: (pid: number) => LogTaker;
  ended: (child: Child, exitCode: number | null, signal: string | null) => void;
};

type Waiting = {
  sides: Set<string>;
  settle: (error: string | undefined) => void;
  timer: ReturnType<typeof setTimeout>;
  /** By performance.now(). */
  dueMs: number;
};

const stream = 1;
const message = 5;
const encoder = new TextEncoder();
const doorBuffer = map(limits.doorMessageSizeMax + 64);
const reportBodies = z
  .pipe(
    z.string(),
    z.transform((text: string) => JSON.parse(text) as unknown),
  )
  .pipe(report);

function pair(type: number): [number, number] {
  const error = shim.mcr_pair(scratch.pointer, type);
  if (error < 0) {
    throw new Error(`socketpair: ${errnoName(error)}`);
  }
  return [scratch.i32[0] as number, scratch.i32[1] as number];
}

function pipe(): [number, number] {
  const error = shim.mcr_pipe(scratch.pointer);
  if (error < 0) {
    throw new Error(`pipe: ${errnoName(error)}`);
  }
  return [scratch.i32[0] as number, scratch.i32[1] as number];
}

/** The command line that plays the part of a worker: our own executable, whatever its name on disk is by now. */
function workerCommand(): string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return isCompiled ? ["/proc/self/exe", "worker"] : [process.execPath, Bun.main, "worker"];
}

/** One worker process, from its spawn to its end. */
export class Child {
  readonly bornMs = Date.now();
  /** How it waits and sends, once it is born. */
  io: RingKind | undefined;
  private readonly plan: ChildPlan;
  private readonly process: Bun.Subprocess;
  private readonly door: number;
  private readonly writer: OrderWriter;
  private readonly waiting = new Map<number, Waiting>();
  private readonly logRead: Promise<void>;
  private readonly birth = Promise.withResolvers<string | undefined>();
  private sequence = 0;
  private isEnding = false;
  private hasEnded = false;

  constructor(plan: ChildPlan, events: ChildEvents) {
    this.plan = plan;
    const [door, childDoor] = pair(message);
    const [request, childRequest] = pair(stream);
    const [ingress, childIngress] = pair(stream);
    const [egress, childEgress] = pair(stream);
    const [logEnd, childLog] = pipe();
    this.door = door;
    this.process = Bun.spawn(workerCommand(), {
      // From nothing: what steers Bun (BUN_OPTIONS, BUN_BE_BUN, NODE_OPTIONS) must not reach a worker.
      env: {},
      cwd: "/",
      stdio: ["ignore", "ignore", childLog, childDoor],
      onExit: (_, exitCode, signal) => this.ended(events, exitCode, signal),
    });
    this.writer = new OrderWriter(ingress, egress, (reason) => this.giveUp(reason));
    this.greet([childRequest, childIngress, childEgress]);
    for (const fd of [childDoor, childRequest, childIngress, childEgress, childLog]) {
      shim.mcr_close(fd);
    }
    void this.readReports(request);
    this.logRead = this.readLog(logEnd, events.openLog(this.pid));
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Settles when the worker has said that it lives, or with the reason why it does not. */
  get born(): Promise<string | undefined> {
    return this.birth.promise;
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
    const seq = this.sequence;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(() => this.overdue(seq, order.kind), limits.orderAckWaitMs);
    const sides = new Set(["ingress", "egress"]);
    this.waiting.set(seq, { sides, settle: resolve, timer, dueMs: performance.now() + limits.orderAckWaitMs });
    this.writer.send({ seq, order }, sockets);
    return promise;
  }

  /** Asks it to drain and end; kills it when it does not in time. */
  async end(): Promise<void> {
    this.isEnding = true;
    const kill = setTimeout(() => this.process.kill("SIGKILL"), limits.workerEndWaitMs);
    void this.order({ kind: "Shutdown" });
    await this.process.exited;
    clearTimeout(kill);
    // Its last words are still in the pipe.
    await Promise.race([this.logRead, Bun.sleep(limits.logRestWaitMs)]);
  }

  /** Ends it now; the rest is the restart policy's. */
  kill(): void {
    this.process.kill("SIGKILL");
  }

  private greet(streams: [number, number, number]): void {
    const { core, uid, gid, pipeline, io, counters, emptyRoot } = this.plan;
    const beside = emptyRoot === undefined ? streams : [...streams, emptyRoot];
    this.pass({ kind: "hello", version: programVersion, abi: abiText(), core, uid, gid, pipeline, io }, beside);
    this.pass({ kind: "counters", size: 0 }, [counters]);
  }

  private pass(said: DoorMessage, fds: readonly number[]): void {
    const { written } = encoder.encodeInto(JSON.stringify(said), doorBuffer.u8.subarray(0, limits.doorMessageSizeMax));
    for (const [at, fd] of fds.entries()) {
      doorBuffer.i32[limits.doorMessageSizeMax / 4 + at] = fd;
    }
    const fdsAt = doorBuffer.at(limits.doorMessageSizeMax);
    const sent = shim.mcr_fds_send(this.door, doorBuffer.pointer, written, fdsAt, fds.length);
    if (sent < 0) {
      this.giveUp(`fd 3 does not take ${said.kind}: ${errnoName(sent)}`);
    }
  }

  private async readReports(fd: number): Promise<void> {
    const reader = new FrameReader(limits.reportSizeMax);
    const decoder = new TextDecoder();
    const data = (bytes: Uint8Array) => {
      const bodies = reader.push(bytes);
      if ("refused" in bodies) {
        this.giveUp(`its reports cannot be read: ${bodies.refused}`);
        return;
      }
      for (const body of bodies) {
        const said = reportBodies.safeParse(decoder.decode(body));
        if (said.success) {
          this.hear(said.data);
        } else {
          this.giveUp("a report that is not understood");
        }
      }
    };
    // Bun owns the descriptor from here on and closes it when the other end is gone.
    const socket = {
      data: (_: unknown, bytes: Uint8Array) => data(bytes),
      error: () => this.giveUp("its reports ended"),
    };
    await Bun.connect({ fd, socket } as never);
  }

  private hear(said: Report): void {
    if (said.kind === "born") {
      this.io = said.io;
      this.birth.resolve(undefined);
      return;
    }
    const waiting = this.waiting.get(said.seq);
    waiting?.sides.delete(said.by);
    if (waiting !== undefined && (said.error !== undefined || waiting.sides.size === 0)) {
      this.settle(said.seq, said.error);
    }
  }

  private overdue(seq: number, kind: Order["kind"]): void {
    const waiting = this.waiting.get(seq);
    const lateMs = performance.now() - (waiting?.dueMs ?? 0);
    if (waiting !== undefined && lateMs > limits.orderAckWaitMs / 10) {
      // It was we who slept (SIGSTOP, a machine that was suspended): what the worker said meanwhile has yet to be read.
      waiting.dueMs = performance.now() + limits.orderAckWaitMs;
      waiting.timer = setTimeout(() => this.overdue(seq, kind), limits.orderAckWaitMs);
      return;
    }
    this.settle(seq, `no acknowledgement within ${limits.orderAckWaitMs} ms`);
    this.giveUp(`it did not acknowledge ${kind} within ${limits.orderAckWaitMs} ms`);
  }

  private settle(seq: number, error: string | undefined): void {
    const waiting = this.waiting.get(seq);
    this.waiting.delete(seq);
    clearTimeout(waiting?.timer);
    waiting?.settle(error);
  }

  private async readLog(fd: number, log: LogTaker): Promise<void> {
    try {
      for await (const bytes of Bun.file(fd).stream()) {
        log.push(bytes);
      }
    } finally {
      log.end();
      shim.mcr_close(fd);
    }
  }

  /** It does not do what a worker does: replaced, as if it had died. */
  private giveUp(reason: string): void {
    this.birth.resolve(reason);
    if (!this.hasEnded && !this.isEnding) {
      this.process.kill("SIGKILL");
    }
  }

  private ended(events: ChildEvents, exitCode: number | null, signal: number | string | null): void {
    this.hasEnded = true;
    this.writer.close();
    shim.mcr_close(this.door);
    const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
    this.birth.resolve(`it ended: ${how}`);
    for (const seq of [...this.waiting.keys()]) {
      this.settle(seq, `it ended: ${how}`);
    }
    events.ended(this, exitCode, signal === null ? null : String(signal));
  }
}
