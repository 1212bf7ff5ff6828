// From an output's backlog to sends: consecutive datagrams of one size leave as one send with UDP_SEGMENT, the last of
// them may be shorter. A batch is what has gathered by itself; nothing ever waits for one to fill.
import { type Output, payloadMax } from "./output.ts";
import { aimAt, type Batch } from "./sends.ts";
import { none } from "./slots.ts";
import { sendStamped } from "./stamped.ts";

/** UDP_MAX_SEGMENTS of kernels before 6.9; later ones take 128. linux/udp.h. */
const segmentsMax = 64;
/** Sends of one output in one chain: enough to clear a backlog quickly, few enough to leave room for other outputs. */
const chainMax = 16;

/**
 * Queues a chain of sends for what waits at the output's cursor. The chain keeps order: when one fails, those behind it
 * come back unsent. Returns false when the sender has no room now, and then nothing was queued.
 */
export function gather(batch: Batch, output: Output): boolean {
  const { sends } = batch;
  const room = Math.min(chainMax, sends.freeCount);
  if (room === 0) {
    return false;
  }
  if (output.stamp === undefined) {
    sendPlain(batch, output, room);
  } else {
    sendStamped(batch, output, output.stamp, room);
  }
  sends.endChain(batch.sender);
  return true;
}

function sendPlain(batch: Batch, output: Output, room: number): void {
  let slot = output.cursor;
  let queued = 0;
  while (slot !== none && queued < room) {
    if (mustGoApart(batch, output, slot)) {
      if (queued === 0) {
        sendApart(batch, output, slot, room);
      }
      break;
    }
    slot = sendRun(batch, output, slot);
    queued++;
  }
}

/** True for a super-frame whose segments the kernel does not take in one send of this output: too large for it, or too many. */
function mustGoApart(batch: Batch, output: Output, slot: number): boolean {
  const { segment, count } = batch.slots;
  return (segment[slot] as number) > output.segmentMax || (count[slot] as number) > segmentsMax;
}

/** Queues one send that begins with `slot` and takes as many of the following ones as may ride with it. */
function sendRun(batch: Batch, output: Output, slot: number): number {
  const { slots, sends, sender } = batch;
  const size = slots.size[slot] as number;
  const index = sends.take(output);
  aimAt(batch, output, index, slot);
  sender.piece(index, 0, slots.address[slot] as number, size);
  const next = output.after(slots, slot);
  if (slots.segment[slot] !== 0 || size === 0 || size > output.segmentMax || next === none) {
    sends.queue(sender, index, output.fd, 1, slots.segment[slot] as number, 1, slots.count[slot] as number);
    return next;
  }
  return sendTogether(batch, output, index, slot, size);
}

/** Whether both slots of a backlog go to the same place: flows that found no room for one of their own share one. */
function isSamePlace({ slots }: Batch, output: Output, one: number, other: number): boolean {
  const { destination, port } = slots;
  return output.aim === undefined || (destination[one] === destination[other] && port[one] === port[other]);
}

/** Adds to send `index`, which holds the datagram of `size` bytes in `first`, those behind it; queues it; returns the rest. */
function sendTogether(batch: Batch, output: Output, index: number, first: number, size: number): number {
  const { slots, sends, sender } = batch;
  const max = Math.min(segmentsMax, sender.piecesMax);
  let slot = output.after(slots, first);
  let pieces = 1;
  let bytes = size;
  while (slot !== none && pieces < max && isSamePlace(batch, output, slot, first)) {
    const following = slots.size[slot] as number;
    if (slots.segment[slot] !== 0 || following > size || following === 0 || bytes + following > payloadMax) {
      break;
    }
    sender.piece(index, pieces, slots.address[slot] as number, following);
    pieces++;
    bytes += following;
    slot = output.after(slots, slot);
    if (following < size) {
      break;
    }
  }
  sends.queue(sender, index, output.fd, pieces, pieces > 1 ? size : 0, pieces, pieces);
  return slot;
}

/** Queues the datagrams of one super-frame, from the first that is not out yet, as few at a time as must be: at most `room` sends. */
function sendApart(batch: Batch, output: Output, slot: number, room: number): void {
  const { slots, sends, sender } = batch;
  const segment = slots.segment[slot] as number;
  const size = slots.size[slot] as number;
  const address = slots.address[slot] as number;
  const count = slots.count[slot] as number;
  const together = segment > output.segmentMax ? 1 : segmentsMax;
  let part = output.partsDone;
  for (let queued = 0; part < count && queued < room; queued++) {
    const parts = Math.min(together, count - part);
    const isLast = part + parts === count;
    const index = sends.take(output);
    aimAt(batch, output, index, slot);
    sender.piece(index, 0, address + part * segment, isLast ? size - part * segment : parts * segment);
    // The slot is done with its last part.
    sends.queue(sender, index, output.fd, 1, parts > 1 ? segment : 0, isLast ? 1 : 0, parts);
    part += parts;
  }
}
