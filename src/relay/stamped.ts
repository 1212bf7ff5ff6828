// From an output's backlog to sends that keep the address and port of their sender: one by one, each behind headers of ours.
import type { Output } from "./output.ts";
import { aimAt, type Batch } from "./sends.ts";
import { none } from "./slots.ts";
import { headerPlace, headerSizeOf, type Stamp, writeHeaders } from "./stamp.ts";

/**
 * Queues up to `room` sends of what waits at the output's cursor, a datagram each; super-frames are taken apart. The caller ends
 * the chain.
 */
export function sendStamped(batch: Batch, output: Output, stamp: Stamp, room: number): void {
  const { slots, sends, sender, stamper } = batch;
  const headerSize = headerSizeOf(stamp);
  let slot = output.cursor;
  let part = output.partsDone;
  for (let queued = 0; slot !== none && queued < room; queued++) {
    const segment = slots.segment[slot] as number;
    const isLast = part + 1 >= (slots.count[slot] as number);
    const offset = part * segment;
    const size = isLast ? (slots.size[slot] as number) - offset : segment;
    const payload = (slots.address[slot] as number) + offset;
    const index = sends.take(output);
    aimAt(batch, output, index, slot);
    writeHeaders(stamper, index, output.aim, stamp, slots, slot, payload, size);
    sender.piece(index, 0, stamper.memory.address + index * headerPlace, headerSize);
    sender.piece(index, 1, payload, size);
    // The slot is done with its last part.
    sends.queue(sender, index, output.fd, 2, 0, isLast ? 1 : 0, 1);
    part = isLast ? 0 : part + 1;
    slot = isLast ? output.after(slots, slot) : slot;
  }
}
