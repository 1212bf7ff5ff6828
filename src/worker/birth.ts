// A worker's birth: fd 3 brings the hello and the streams, then the process opens its rings, warms up and gives up every right.
// When it is shown its place, at once or, as a spare, much later, it lives in its loops until the supervisor closes the streams
// or says so.
import { Worker } from "node:worker_threads";
import { exitCodes } from "../base/exit.ts";
import { reasonOf } from "../base/outcome.ts";
import { programVersion } from "../base/version.ts";
import { limits } from "../limits.ts";
import type { LogPipe, LogWriter } from "../log/writer.ts";
import { egress as egressCounter, ingress as ingressCounter, refusedCall } from "../relay/counters.ts";
import { Queue, queueMemory } from "../relay/queue.ts";
import { abiDifference, abiText } from "../shim/abi.ts";
import { origin, shim } from "../shim/library.ts";
import { map } from "../shim/memory.ts";
import { nameThread, nonblock } from "../shim/process.ts";
import { pollBits, type Ring, type RingKind, RingRefused } from "../shim/ring.ts";
import { EgressSide } from "./egress-side.ts";
import { sayFinal } from "./final.ts";
import { IngressSide } from "./ingress-side.ts";
import { alone, run as runLoop } from "./loop.ts";
import type { DoorMessage } from "./orders.ts";
import { end, handPage, openCounters, openLog, openRing, prefer, type ThreadSetup, watch } from "./parts.ts";
import { RegionTable, regionMemory } from "./regions.ts";
import { type Confinement, confine } from "./sandbox/confine.ts";
import { Door, OrderStream, Reporter } from "./streams.ts";
import { tokens } from "./tokens.ts";
import { warmUp } from "./warmup.ts";

type Hello = Extract<DoorMessage, { kind: "hello" }>;

const doorFd = 3;
const errorOutput = 2;
const goodbye = "the supervisor is gone";

/** The supervisor made this worker, and it cannot become one: `code` is the exit code, the text says why. */
class StillBorn extends Error {
  readonly code: number;
  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** The role `worker`. Never returns: a worker ends through its loops. */
export async function run(): Promise<number> {
  shim.mcr_signals_ignore();
  nonblock(errorOutput);
  const pipe = openLog();
  const log = pipe.writer("DataPlane");
  try {
    await begin(pipe, log);
  } catch (thrown) {
    const code = thrown instanceof StillBorn ? thrown.code : exitCodes.broken;
    if (code !== exitCodes.ok) {
      log.say("Critical", `worker ends: ${reasonOf(thrown)}`);
    }
    end(code);
  }
  return exitCodes.ok;
}

/** What the hello brought. */
type Given = {
  door: Door;
  hello: Hello;
  reporter: Reporter;
  ingressOrders: number;
  egressOrders: number;
  emptyRoot: number | undefined;
};

async function begin(pipe: LogPipe, log: LogWriter): Promise<void> {
  const door = new Door(doorFd);
  const { message: hello, fds } = await awaitHello(door);
  const [request, ingressOrders, egressOrders, emptyRoot] = fds;
  if (request === undefined || ingressOrders === undefined || egressOrders === undefined) {
    throw new StillBorn(exitCodes.broken, "the hello came without its three streams");
  }
  const reporter = new Reporter(request);
  try {
    await live(pipe, log, { door, hello, reporter, ingressOrders, egressOrders, emptyRoot });
  } catch (thrown) {
    if (thrown instanceof StillBorn && thrown.code !== exitCodes.ok) {
      reporter.say({ kind: "stillborn", reason: thrown.message });
    }
    throw thrown;
  }
}

async function live(pipe: LogPipe, log: LogWriter, given: Given): Promise<void> {
  const { door, hello, reporter, ingressOrders, egressOrders, emptyRoot } = given;
  refuseStranger(hello);
  nameThread("mcr spare");
  const setup: ThreadSetup = {
    queue: queueMemory(limits.queueEntries),
    regions: regionMemory(),
    page: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    orders: egressOrders,
    request: reporter.fd,
    wakeup: hello.pipeline === "split" ? shim.mcr_eventfd() : -1,
    io: hello.io,
  };
  // The two halves warm up at the same time.
  const other = hello.pipeline === "split" ? startEgress(setup) : undefined;
  const ring = openRingOrSayWhy(hello, log);
  warmUp(ring.kind, log);
  const otherRing = await other;
  prefer(log);
  giveUp(hello, { emptyRoot, rings: [ring.kind, otherRing ?? ring.kind] }, log);
  reporter.say({ kind: "born", pid: process.pid, io: ring.kind });
  const counterFd = awaitPlace(door, ring);
  const page = openCounters(counterFd);
  if (page === undefined) {
    throw new StillBorn(exitCodes.system, "the counter page could not be mapped");
  }
  const counters = page.f64;
  shim.mcr_refused_note(page.at(refusedCall * Float64Array.BYTES_PER_ELEMENT));
  pipe.countIn(counters, ingressCounter.linesLost);
  handPage(setup, counterFd);
  const regions = new RegionTable(setup.regions);
  const ingress = new IngressSide({
    ring,
    counters,
    queue: new Queue(setup.queue, "producer"),
    regions,
    door,
    orders: new OrderStream(ingressOrders),
    reporter,
    pipe,
    wake: () => shim.mcr_eventfd_write(setup.wakeup),
  });
  if (origin.note !== undefined) {
    log.say("Notice", origin.note);
  }
  if (hello.pipeline === "split") {
    runLoop(ring, [ingress], alone, watch(counters, ingressCounter.stallMaxUs));
    // The egress thread says the last words and ends the process when the last datagram is out.
    for (;;) {
      ring.wait(0, limits.turnWaitUs);
    }
  }
  const queue = new Queue(setup.queue, "consumer");
  const orders = new OrderStream(egressOrders);
  const egress = new EgressSide({ ring, counters, queue, regions, orders, reporter, pipe, wakeup: -1 });
  runLoop(ring, [ingress, egress], alone, watch(counters, ingressCounter.stallMaxUs, egressCounter.stallMaxUs));
  reporter.close();
  sayFinal(pipe, counters);
  end(exitCodes.ok);
}

async function awaitHello(door: Door): Promise<{ message: Hello; fds: number[] }> {
  const deadline = performance.now() + limits.workerBirthWaitMs;
  for (;;) {
    const delivery = expected(door.next(), "hello");
    if (delivery !== undefined) {
      return delivery;
    }
    if (performance.now() > deadline) {
      throw new StillBorn(exitCodes.broken, `no hello on fd ${doorFd} within ${limits.workerBirthWaitMs} ms`);
    }
    await Bun.sleep(1);
  }
}

/** Waits for its place, a spare for as long as nobody dies; returns the counter page. Nothing else is to be done till then. */
function awaitPlace(door: Door, ring: Ring): number {
  ring.poll(door.fd, pollBits.in, tokens.place);
  for (;;) {
    const delivery = expected(door.next(), "place");
    if (delivery !== undefined) {
      ring.cancel(tokens.place);
      nameThread("mcr worker");
      return delivery.fds[0] ?? -1;
    }
    ring.wait(0, limits.turnWaitUs);
  }
}

type Next = ReturnType<Door["next"]>;

/** `next` as the message that is due, undefined when nothing came; anything else ends the worker. */
function expected<Kind extends DoorMessage["kind"]>(next: Next, kind: Kind) {
  if (next === undefined) {
    return undefined;
  }
  if ("ended" in next) {
    throw new StillBorn(next.reason === undefined ? exitCodes.ok : exitCodes.broken, next.reason ?? goodbye);
  }
  const { message, fds } = next;
  if (message.kind !== kind) {
    throw new StillBorn(exitCodes.broken, `fd ${doorFd} brought ${message.kind} where ${kind} was due`);
  }
  return { message: message as Extract<DoorMessage, { kind: Kind }>, fds };
}

/** A worker of another build would read other structs at other places. */
function refuseStranger(hello: Hello): void {
  if (hello.version !== programVersion) {
    throw new StillBorn(
      exitCodes.protocol,
      `the supervisor is version ${hello.version}, this worker is ${programVersion}; restart the supervisor`,
    );
  }
  const difference = abiDifference(abiText(), hello.abi);
  if (difference !== undefined) {
    throw new StillBorn(exitCodes.protocol, `the supervisor is of another build (${difference}); restart it`);
  }
}

/** Every right; after this the process has its descriptors, its memory and the calls of its loops. */
function giveUp(hello: Hello, has: Pick<Confinement, "emptyRoot" | "rings">, log: LogWriter): void {
  const { uid, gid } = hello;
  // Until the worker has its place, and the page that goes with it, nobody reads this.
  const note = map(Float64Array.BYTES_PER_ELEMENT);
  for (const { isFatal, text } of confine({ uid, gid, ...has, refusedCallAt: note.pointer })) {
    if (isFatal) {
      throw new StillBorn(exitCodes.permission, text);
    }
    log.say("Warning", `less confined than it could be: ${text}`);
  }
}

function openRingOrSayWhy(hello: Hello, log: LogWriter): Ring {
  try {
    return openRing(hello.io, log);
  } catch (thrown) {
    if (thrown instanceof RingRefused) {
      throw new StillBorn(exitCodes.unavailable, `${thrown.message}`);
    }
    throw thrown;
  }
}

/** Starts the egress thread and waits until it has its ring, whose kind it says; from then on only that speaks to it. */
async function startEgress(setup: ThreadSetup): Promise<RingKind> {
  const thread = new Worker("./worker/egress-thread.ts", { workerData: setup });
  const kind = await new Promise<RingKind>((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
  thread.unref();
  return kind;
}
