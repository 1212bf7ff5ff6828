// The last step of a log line: out, without ever waiting for who reads it. A reader that stalls (a full pipe, a terminal
// stopped with Ctrl-S) costs a bounded memory, then lines, which are counted and said where they are missing.
import { limits } from "../limits.ts";

/** Writes bytes without waiting: how many were taken, or a negative number. `isGone`: nobody will read any more. */
export type WriteBytes = (bytes: Uint8Array) => { taken: number; isGone: boolean };

/** The line that stands for `count` lost ones, with its end. */
export type LossLine = (count: number) => string;

const encoder = new TextEncoder();

/** Prints in order; a line is printed whole, or counted as lost and said so. */
export class Printer {
  /** Lines that nobody will see, since the start. */
  lost = 0;
  private unsaid = 0;
  private waiting: Uint8Array[] = [];
  private waitingSize = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly write: WriteBytes;
  private readonly lossLine: LossLine;

  constructor(write: WriteBytes, lossLine: LossLine) {
    this.write = write;
    this.lossLine = lossLine;
  }

  /** Prints a line that carries its end, now or as soon as it is taken. */
  print(line: string): void {
    if (this.waiting.length === 0) {
      this.enqueue(encoder.encode(line));
      this.flush();
      return;
    }
    const bytes = encoder.encode(line);
    if (this.waitingSize + bytes.length > limits.logWaitingSizeMax) {
      this.lost++;
      this.unsaid++;
      return;
    }
    // Said where the gap is: after the last line that was kept, before the first that is kept again.
    this.sayLoss();
    this.enqueue(bytes);
  }

  /** Gives what waits a last chance, bounded; after that the program may end. */
  async close(): Promise<void> {
    const deadline = performance.now() + limits.logCloseWaitMs;
    this.sayLoss();
    this.flush();
    while (this.waiting.length > 0 && performance.now() < deadline) {
      await Bun.sleep(limits.logRetryMs);
      this.flush();
    }
    clearTimeout(this.timer);
  }

  private sayLoss(): void {
    if (this.unsaid > 0) {
      this.enqueue(encoder.encode(this.lossLine(this.unsaid)));
      this.unsaid = 0;
    }
  }

  private enqueue(bytes: Uint8Array): void {
    this.waiting.push(bytes);
    this.waitingSize += bytes.length;
  }

  private flush(): void {
    clearTimeout(this.timer);
    let done = 0;
    for (const bytes of this.waiting) {
      const { taken, isGone } = this.write(bytes);
      if (isGone) {
        this.forget();
        return;
      }
      this.waitingSize -= Math.max(0, taken);
      if (taken < bytes.length) {
        // Never torn: the rest of this line goes out before anything else.
        this.waiting[done] = bytes.subarray(Math.max(0, taken));
        break;
      }
      done++;
    }
    this.waiting.splice(0, done);
    if (this.waiting.length > 0) {
      this.timer = setTimeout(() => this.flush(), limits.logRetryMs);
    } else if (this.unsaid > 0) {
      this.sayLoss();
      this.flush();
    }
  }

  /** Nobody reads: keeping lines would only fill memory. */
  private forget(): void {
    this.lost += this.waiting.length;
    this.unsaid = 0;
    this.waiting = [];
    this.waitingSize = 0;
  }
}
