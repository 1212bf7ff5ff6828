// What the completion of a send means for the output it belongs to, and what becomes of datagrams that we give up on.
import { batchCount, batchFirst, egress as counter, errnoCount, errnoFirst, type outputField } from "./counters.ts";
import type { Output } from "./output.ts";
import type { Batch } from "./sends.ts";
import { none, type Slots } from "./slots.ts";

/** Errors by which the kernel refuses the shape of a super-send, not the datagrams. udp(7), net/ipv4/udp.c. */
const shapeErrors = new Set([5 /* EIO: no checksum offload */, 22 /* EINVAL */, 90 /* EMSGSIZE */]);
/** EAGAIN: the socket's buffer is full; ENOBUFS: the link's transmit queue is. Both pass by themselves. */
const fullErrors = new Set([11, 105]);
/** EMSGSIZE: of this send, or of an earlier one, by an ICMP message that anybody may have made up. */
const tooLarge = 90;
const chainBroken = 125; // ECANCELED
/** How long an output that is full or keeps failing is left alone: 50 datagrams' time at 100,000/s. */
const restNs = 500_000;
/** From so many failed sends in a row on, an output is tried only now and then: each try costs as much as one that works. */
const failuresMax = 8;

/** Accounts for a completed send and moves its output on. Returns the output. */
export function complete(batch: Batch, counters: Float64Array, index: number, result: number, nowNs: number): Output {
  const { sends } = batch;
  const output = sends.outputOf(index);
  output.inFlight--;
  if (result >= 0) {
    countSent(batch, counters, output, index, result - output.headerSize, nowNs);
    advance(batch, counters, output, sends.slotsOf(index), sends.datagramsOf(index), true);
  } else if (-result !== chainBroken) {
    refused(batch, counters, output, index, -result, nowNs);
  }
  sends.give(index);
  return output;
}

function countSent(
  batch: Batch,
  counters: Float64Array,
  output: Output,
  index: number,
  bytes: number,
  nowNs: number,
): void {
  const datagrams = batch.sends.datagramsOf(index);
  output.refusedErrno = 0;
  output.failuresInRow = 0;
  output.add(counters, "sent", datagrams);
  output.add(counters, "sentBytes", bytes);
  output.add(counters, "sends", 1);
  output.set(counters, "lastSentNs", nowNs);
  counters[counter.sent] = (counters[counter.sent] as number) + datagrams;
  counters[counter.sentBytes] = (counters[counter.sentBytes] as number) + bytes;
  counters[counter.sends] = (counters[counter.sends] as number) + 1;
  const size = batchFirst + Math.min(batchCount - 1, datagrams < 2 ? 0 : 32 - Math.clz32(datagrams - 1));
  counters[size] = (counters[size] as number) + 1;
  if (datagrams > (counters[counter.batchMax] as number)) {
    counters[counter.batchMax] = datagrams;
  }
}

/** The kernel did not take a send. Nothing of it went out. */
function refused(
  batch: Batch,
  counters: Float64Array,
  output: Output,
  index: number,
  code: number,
  nowNs: number,
): void {
  const segment = batch.sends.segmentOf(index);
  const place = errnoFirst + Math.min(code, errnoCount - 1);
  counters[place] = (counters[place] as number) + 1;
  output.countRefusal(counters, code, nowNs);
  if (fullErrors.has(code)) {
    rest(output, nowNs);
    return;
  }
  const isFirst = output.refusedErrno === 0;
  if (segment > 0 && shapeErrors.has(code) && !(isFirst && code === tooLarge)) {
    // Larger than the link takes in one, or a link that cannot segment: the same datagrams go again, one by one.
    output.segmentMax = Math.min(output.segmentMax, segment - 1);
    return;
  }
  if (isFirst) {
    // A connected socket first reports what an ICMP error said of an earlier datagram; this one was not tried.
    output.refusedErrno = code;
    return;
  }
  output.refusedErrno = 0;
  const datagrams = batch.sends.datagramsOf(index);
  if (code === tooLarge && output.stamp !== undefined) {
    // The kernel does not fragment what comes with a header of its own. Others of this output may be smaller: no rest.
    lose(counters, output, datagrams, "droppedTooLarge");
    advance(batch, counters, output, batch.sends.slotsOf(index), datagrams, false);
    return;
  }
  fail(counters, output, datagrams);
  advance(batch, counters, output, batch.sends.slotsOf(index), datagrams, false);
  output.failuresInRow++;
  if (output.failuresInRow >= failuresMax) {
    rest(output, nowNs);
  }
}

/** The output is left alone for a moment; what waits for it stays, within bounds. */
function rest(output: Output, nowNs: number): void {
  output.isBlocked = true;
  output.blockedUntilNs = nowNs + restNs;
}

function fail(counters: Float64Array, output: Output, datagrams: number): void {
  output.add(counters, "failed", datagrams);
  counters[counter.failed] = (counters[counter.failed] as number) + datagrams;
}

/**
 * Moves the cursor over `slots` slots; with 0 only a part of one went out. `isSent`: the latency of those that are followed is
 * noted.
 */
function advance(
  batch: Batch,
  counters: Float64Array,
  output: Output,
  slots: number,
  datagrams: number,
  isSent: boolean,
): void {
  leave(counters, output, datagrams);
  if (slots === 0) {
    output.partsDone += datagrams;
    return;
  }
  output.partsDone = 0;
  const { stampUs } = batch.slots;
  for (let left = slots; left > 0; left--) {
    if (isSent && stampUs[output.cursor] !== 0) {
      batch.latency?.note(stampUs[output.cursor] as number);
    }
    step(batch.slots, output);
  }
}

/** Datagrams come into an output's backlog, or leave it. */
export function enter(counters: Float64Array, output: Output, datagrams: number): void {
  output.backlog += datagrams;
  counters[counter.inFlight] = (counters[counter.inFlight] as number) + datagrams;
}

function leave(counters: Float64Array, output: Output, datagrams: number): void {
  enter(counters, output, -datagrams);
}

/** Leaves the slot under the cursor behind. */
function step(slots: Slots, output: Output): void {
  const slot = output.cursor;
  output.cursor = output.after(slots, slot);
  if (slots.done(slot) && output.rule?.last === slot) {
    // Nobody holds the newest slot any more: what comes next begins a new chain.
    output.rule.last = none;
  }
}

/** Why we give up on datagrams, by the counter that says so; `failed`: what came before them did, time and again. */
export type DropReason = Extract<keyof typeof outputField, `dropped${string}`> | "failed";

/** Drops what is left of the slot under the cursor, counted. */
export function drop(batch: Batch, counters: Float64Array, output: Output, reason: DropReason): void {
  const datagrams = (batch.slots.count[output.cursor] as number) - output.partsDone;
  output.partsDone = 0;
  output.refusedErrno = 0;
  leave(counters, output, datagrams);
  lose(counters, output, datagrams, reason);
  step(batch.slots, output);
}

/** Counts datagrams that we give up on. */
export function lose(counters: Float64Array, output: Output, datagrams: number, reason: DropReason): void {
  if (reason === "failed") {
    fail(counters, output, datagrams);
    return;
  }
  output.add(counters, reason, datagrams);
  output.add(counters, "dropped", datagrams);
  counters[counter.dropped] = (counters[counter.dropped] as number) + datagrams;
}

/**
 * Drops all that waits for an output. Nothing of it may be in flight. The chain may go on behind its backlog: what came after
 * the output had left its rule belongs to the others.
 */
export function discard(batch: Batch, counters: Float64Array, output: Output): void {
  while (output.cursor !== none && output.backlog > 0) {
    drop(batch, counters, output, "droppedRemoved");
  }
}
