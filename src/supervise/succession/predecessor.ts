// A worker that the supervisor before us gave birth to. It relays as it was told last, answers nobody, and ends when we close its
// order streams: that much every version of it understands.
import { limits } from "../../limits.ts";
import type { LogTaker } from "../../log/forward.ts";
import { shim } from "../../shim/library.ts";
import { scratch } from "../../shim/memory.ts";
import { bury, nonblock } from "../../shim/process.ts";
import { readLog } from "../workers/log-pipe.ts";
import type { Heirless } from "./will.ts";

/** Of what it still reports, nothing matters but the end. */
const readSize = 1024;

/** One such worker, until it is buried. */
export class Predecessor {
  private readonly ends: Heirless;
  private isGone = false;

  /** Its log is ours from now on. */
  constructor(ends: Heirless, log: LogTaker) {
    this.ends = ends;
    nonblock(ends.request);
    void readLog(ends.log, log);
  }

  /**
   * Lets it send what it has taken; settles when it touches its page and its rings no more, which it says by closing the stream of its
   * reports. It is buried later.
   */
  async retire(): Promise<void> {
    const { pid, egress, ingress } = this.ends;
    shim.mcr_close(egress);
    shim.mcr_close(ingress);
    const sinceMs = performance.now();
    let isKilled = false;
    while (!this.isDone()) {
      const tookMs = performance.now() - sinceMs;
      if (tookMs > limits.workerEndWaitMs + limits.killWaitMs) {
        // It hangs in the kernel and never runs again.
        break;
      }
      if (tookMs > limits.workerEndWaitMs && !isKilled && bury(pid) === "alive") {
        isKilled = true;
        process.kill(pid, "SIGKILL");
      }
      await Bun.sleep(limits.predecessorLookMs);
    }
    void this.bury();
  }

  private isDone(): boolean {
    let size: number;
    do {
      size = shim.mcr_read(this.ends.request, scratch.pointer, readSize);
    } while (size > 0);
    return size === 0 || this.look();
  }

  private look(): boolean {
    this.isGone = this.isGone || bury(this.ends.pid) !== "alive";
    return this.isGone;
  }

  private async bury(): Promise<void> {
    const deadline = performance.now() + limits.workerEndWaitMs;
    while (!this.look()) {
      if (performance.now() > deadline) {
        process.kill(this.ends.pid, "SIGKILL");
      }
      await Bun.sleep(limits.logRetryMs);
    }
    shim.mcr_close(this.ends.request);
    shim.mcr_close(this.ends.door);
  }
}
