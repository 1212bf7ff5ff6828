// io_uring tried out: opened for a moment, asked for what the loops need, closed again.
import { errnoName } from "./errno.ts";
import { shim } from "./library.ts";
import { pollBits, RingRefused, Uring } from "./ring.ts";

/** `error`: the errno name when no ring opens. The rest is what the kernel can do, false without a ring. */
export type RingTrial = {
  error: string | undefined;
  /** A poll stays armed, so that no frame falls between two (Linux 5.13). */
  isMultishot: boolean;
  /** Completions run when they are asked for (6.1), and a wait can gather (6.12). */
  isDeferring: boolean;
  isGathering: boolean;
};

const probeToken = 1;
const probeWaitUs = 100_000;

/** What this kernel, under this process's seccomp profile and limits, makes of io_uring. */
export function tryRing(): RingTrial {
  try {
    const ring = new Uring({ entries: 8, sendsMax: 1, piecesMax: 1 });
    try {
      const { isDeferred: isDeferring, canGather: isGathering } = ring;
      return { error: undefined, isMultishot: staysArmed(ring), isDeferring, isGathering };
    } finally {
      ring.close();
    }
  } catch (thrown) {
    if (!(thrown instanceof RingRefused)) {
      throw thrown;
    }
    return { error: errnoName(thrown.code), isMultishot: false, isDeferring: false, isGathering: false };
  }
}

function staysArmed(ring: Uring): boolean {
  const bell = shim.mcr_eventfd();
  try {
    shim.mcr_eventfd_write(bell);
    ring.poll(bell, pollBits.in, probeToken);
    return ring.wait(0, probeWaitUs) === 1 && ring.result(0) > 0 && ring.isArmed(0);
  } finally {
    shim.mcr_close(bell);
  }
}
