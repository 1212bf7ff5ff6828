// What the machine must offer before anything starts; each refusal names its cause and its cure.
import { readFileSync } from "node:fs";
import { exitCodes } from "../../base/exit.ts";
import { errno, errnoName } from "../../shim/errno.ts";
import { tryRing } from "../../shim/ring-trial.ts";
import { closeSocket, isFailure, openPacket } from "../../shim/socket.ts";
import type { IoWish } from "../../worker/orders.ts";
import { chooseIo, type IoChoice } from "./io.ts";

/** Why the supervisor cannot start, and the exit code that says so. */
export type Refusal = { code: number; text: string };

/** The first thing that is missing, else how the workers are to wait and send. */
export function requirements(wish: IoWish): Refusal | IoChoice {
  const refusal = missingCapture();
  if (refusal !== undefined) {
    return refusal;
  }
  const disabled = () => readIfThere("/proc/sys/kernel/io_uring_disabled");
  const choice = chooseIo(wish, { trial: tryRing, disabled });
  return choice.ok ? choice.value : { code: exitCodes.unavailable, text: choice.error };
}

function missingCapture(): Refusal | undefined {
  const fd = openPacket();
  if (!isFailure(fd)) {
    closeSocket(fd);
    return undefined;
  }
  if (fd.errno === errno.EPERM || fd.errno === errno.EACCES) {
    return {
      code: exitCodes.permission,
      text:
        `AF_PACKET sockets are not permitted (${errnoName(fd.errno)}). Run it as root, or give the service ` +
        "AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN.",
    };
  }
  return {
    code: exitCodes.unavailable,
    text: `this kernel offers no AF_PACKET sockets (${errnoName(fd.errno)}); it needs CONFIG_PACKET.`,
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Kernels before 6.6 have no such switch, and a container may not show it.
    return undefined;
  }
}
