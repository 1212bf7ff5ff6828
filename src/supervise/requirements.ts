// What the machine must offer before anything starts; each refusal names its cause and its cure.
import { readFileSync } from "node:fs";
import { exitCodes } from "../base/exit.ts";
import { reasonOf } from "../base/outcome.ts";
import { errno, errnoName } from "../shim/errno.ts";
import { shim } from "../shim/library.ts";
import { pollBits, type Ring, RingRefused, Uring } from "../shim/ring.ts";
import { closeSocket, isFailure, openPacket } from "../shim/socket.ts";

/** Why the supervisor cannot start, and the exit code that says so. */
export type Refusal = { code: number; text: string };

/** The first thing that is missing, or undefined. */
export function missing(): Refusal | undefined {
  return missingCapture() ?? missingRing();
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

function missingRing(): Refusal | undefined {
  try {
    return missingMultishot(new Uring({ entries: 8, sendsMax: 1, piecesMax: 1 }));
  } catch (thrown) {
    if (!(thrown instanceof RingRefused)) {
      throw thrown;
    }
    return {
      code: exitCodes.unavailable,
      text: `io_uring is not available (${errnoName(thrown.code)}). ${ringCure(thrown.code)}`,
    };
  }
}

const probeToken = 1;
const probeWaitUs = 100_000;

/** Loops wait on multishot polls: where each had to be asked for again, a frame could fall between. Closes the ring. */
function missingMultishot(ring: Ring): Refusal | undefined {
  const bell = shim.mcr_eventfd();
  try {
    shim.mcr_eventfd_write(bell);
    ring.poll(bell, pollBits.in, probeToken);
    if (ring.wait(0, probeWaitUs) === 1 && ring.result(0) > 0 && ring.isArmed(0)) {
      return undefined;
    }
    return {
      code: exitCodes.unavailable,
      text: "io_uring of this kernel has no multishot poll, which came with Linux 5.13. Run it on 5.13 or later.",
    };
  } finally {
    ring.close();
    shim.mcr_close(bell);
  }
}

function ringCure(code: number): string {
  if (code === errno.ENOSYS) {
    return "The kernel has none (5.13 or later is needed, with CONFIG_IO_URING), or a seccomp profile hides it.";
  }
  if (code === errno.ENOMEM) {
    return "The limit of locked memory is too low for this kernel: set LimitMEMLOCK=infinity (ulimit -l unlimited).";
  }
  const disabled = read("/proc/sys/kernel/io_uring_disabled");
  if (disabled === "1" || disabled === "2") {
    return `kernel.io_uring_disabled is ${disabled}: run 'sysctl -w kernel.io_uring_disabled=0'.`;
  }
  return (
    "A seccomp profile forbids it, as Docker's default does: run the container with a profile that allows " +
    "io_uring_setup, io_uring_enter and io_uring_register (or --security-opt seccomp=unconfined)."
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (thrown) {
    // Kernels before 6.6 have no such switch.
    return `unreadable: ${reasonOf(thrown)}`;
  }
}
