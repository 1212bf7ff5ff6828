// What connects the supervisor with one worker: fd 3, three streams and the log's pipe, opened all or not at all.
import { limits } from "../../limits.ts";
import { errnoName } from "../../shim/errno.ts";
import { shim } from "../../shim/library.ts";
import { map, scratch } from "../../shim/memory.ts";
import type { DoorMessage } from "../../worker/orders.ts";

/** One end of each. `door` keeps messages apart; request, ingress and egress are streams. */
export type Wires = Record<"door" | "request" | "ingress" | "egress" | "log", number>;

const stream = 1;
const seqpacket = 5;

/** Both ends of all; throws when descriptors are used up, and has opened nothing then. */
export function openWires(): { ours: Wires; theirs: Wires } {
  const opened: number[] = [];
  const two = (what: string, error: number): [number, number] => {
    if (error < 0) {
      for (const fd of opened) {
        shim.mcr_close(fd);
      }
      throw new Error(`${what}: ${errnoName(error)}`);
    }
    const ends: [number, number] = [scratch.i32[0] as number, scratch.i32[1] as number];
    opened.push(...ends);
    return ends;
  };
  const pair = (type: number) => two("socketpair", shim.mcr_pair(scratch.pointer, type));
  const door = pair(seqpacket);
  const request = pair(stream);
  const ingress = pair(stream);
  const egress = pair(stream);
  const log = two("pipe", shim.mcr_pipe(scratch.pointer));
  const ends = (at: 0 | 1) => ({
    door: door[at],
    request: request[at],
    ingress: ingress[at],
    egress: egress[at],
    log: log[at],
  });
  return { ours: ends(0), theirs: ends(1) };
}

/** Closes all of one end. */
export function closeWires(wires: Wires): void {
  for (const fd of Object.values(wires)) {
    shim.mcr_close(fd);
  }
}

const encoder = new TextEncoder();
const doorBuffer = map(limits.doorMessageSizeMax + 64);

/** Sends one message through a door, descriptors beside it. What was sent in bytes, or -errno. */
export function passThrough(door: number, said: DoorMessage, fds: readonly number[]): number {
  const { written } = encoder.encodeInto(JSON.stringify(said), doorBuffer.u8.subarray(0, limits.doorMessageSizeMax));
  for (const [at, fd] of fds.entries()) {
    doorBuffer.i32[limits.doorMessageSizeMax / 4 + at] = fd;
  }
  const fdsAt = doorBuffer.at(limits.doorMessageSizeMax);
  return shim.mcr_fds_send(door, doorBuffer.pointer, written, fdsAt, fds.length);
}
