// How many of a process's descriptors rules may have. What finds none waits, and says EMFILE; everything else must go on.
import { limits } from "../limits.ts";
import { errno } from "./errno.ts";
import { filesMax } from "./process.ts";
import { closeSocket, type Failure, isFailure } from "./socket.ts";

/** Of `filesMax` descriptors, how many rules may have, and whatever else is open before them. */
export function descriptorsForRules(filesMax: number): number {
  return filesMax - Math.min(limits.descriptorsKept, Math.floor(filesMax / 4));
}

// A bound only rises, when an operator raises the limit: it is asked for when it would refuse.
let boundNow = 0;

/**
 * `socket` as it is, or EMFILE when a rule may not have it; it is closed then. The kernel gives the lowest number that is free, so
 * that of a new descriptor says how many there are.
 */
export function forRules(socket: number | Failure): number | Failure {
  if (isFailure(socket) || socket < boundNow) {
    return socket;
  }
  boundNow = descriptorsForRules(filesMax());
  if (socket < boundNow) {
    return socket;
  }
  closeSocket(socket);
  return { step: "socket", errno: errno.EMFILE };
}
