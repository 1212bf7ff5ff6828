// What the supervisor before us ended after the tap: what it counted, and its program, which stays until ours is there.
import type { ProgramCounts } from "../../shim/program.ts";
import { closeSocket } from "../../shim/socket.ts";
import type { EndingWill } from "./will.ts";

/** Nothing, until something is inherited. */
export class FormerEnding {
  private readonly counted = new Map<number, ProgramCounts>();
  private fds: readonly number[] = [];

  /** Counts on from there. The program stays until letGo(): workers of both take what ends there. */
  inherit({ fds, counts }: EndingWill): void {
    this.fds = fds;
    for (const { serial, ...each } of counts) {
      this.counted.set(serial, each);
    }
  }

  /** `now` and what was counted before for a rule. */
  plus(serial: number, now: ProgramCounts | undefined): ProgramCounts | undefined {
    const before = this.counted.get(serial);
    if (now === undefined || before === undefined) {
      return now;
    }
    const { datagrams, bytes, ended } = before;
    return { datagrams: now.datagrams + datagrams, bytes: now.bytes + bytes, ended: now.ended + ended };
  }

  /** A rule was removed. */
  forget(serial: number): void {
    this.counted.delete(serial);
  }

  /** Takes that program off; ours must be in place. */
  letGo(): void {
    for (const fd of this.fds) {
      closeSocket(fd);
    }
    this.fds = [];
  }
}
