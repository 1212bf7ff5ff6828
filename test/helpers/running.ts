// A program that runs beside the test: its output is collected as it comes, and it is ended by its own pid, never by a name.
import { constants } from "node:os";
import { until } from "./until.ts";

export type RunningOptions = {
  env?: Record<string, string | undefined>;
  cwd?: string;
};

export type Ended = { exitCode: number; stdout: string; stderr: string };

/** A started program. `stdout` and `stderr` hold all text so far; `end` is idempotent. */
export class Running {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #collected: Promise<unknown>;
  readonly #command: string;
  stdout = "";
  stderr = "";

  constructor(command: readonly string[], options: RunningOptions = {}) {
    this.#command = command.join(" ");
    this.#process = Bun.spawn([...command], { ...options, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.#collected = Promise.all([
      collect(this.#process.stdout, (text) => {
        this.stdout += text;
      }),
      collect(this.#process.stderr, (text) => {
        this.stderr += text;
      }),
    ]);
  }

  /** `ip netns exec` replaces itself, so this is the pid of the program itself. */
  get pid(): number {
    return this.#process.pid;
  }

  /** null while it runs. A program killed by signal N has exit code 128 + N. */
  get exitCode(): number | null {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode === null) return exitCode;
    return 128 + (typeof signalCode === "number" ? signalCode : constants.signals[signalCode]);
  }

  get isUp(): boolean {
    return this.exitCode === null;
  }

  write(text: string): void {
    this.#process.stdin.write(text);
    this.#process.stdin.flush();
  }

  /** Ends the program's stdin: what reads to end of file goes on. */
  closeInput(): void {
    this.#process.stdin.end();
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Waits until it ended by itself and all its output is here. Not within the deadline: killed, and an error with its stderr. */
  async finish(deadlineMs = 10_000): Promise<Ended> {
    if (!(await this.#endsWithin(deadlineMs))) {
      this.#process.kill("SIGKILL");
      await this.#process.exited;
      throw new Error(`"${this.#command}" still ran after ${deadlineMs} ms; its stderr: ${this.stderr.slice(-4000)}`);
    }
    // A grandchild that kept the pipe open must not hold the test up: what came until then is enough.
    await Promise.race([this.#collected, Bun.sleep(1000)]);
    return { exitCode: this.exitCode ?? 255, stdout: this.stdout, stderr: this.stderr };
  }

  /** As `finish`, but an exit code other than 0 is an error with its stderr. */
  async succeed(deadlineMs?: number): Promise<Ended> {
    const ended = await this.finish(deadlineMs);
    if (ended.exitCode !== 0) {
      throw new Error(`"${this.#command}" ended with ${ended.exitCode}: ${ended.stderr.slice(-4000)}`);
    }
    return ended;
  }

  /** Waits until stdout (or stderr) holds `text` or a match; an early end is reported at once. Returns the text so far. */
  async says(text: string | RegExp, stream: "stdout" | "stderr" = "stdout", deadlineMs = 5000): Promise<string> {
    const isSaid = () => (typeof text === "string" ? this[stream].includes(text) : text.test(this[stream]));
    await until(
      `${stream} of "${this.#command}" says ${text}`,
      () => ({
        isSaid: isSaid(),
        exitCode: this.exitCode,
        stdout: this.stdout.slice(-2000),
        stderr: this.stderr.slice(-2000),
      }),
      (state) => state.isSaid || state.exitCode !== null,
      { deadlineMs },
    );
    // Output can still be in the pipe when the exit is already known.
    if (!isSaid()) await this.finish();
    if (!isSaid())
      throw new Error(
        `"${this.#command}" ended (${this.exitCode}) without saying ${text}: ${(this.stderr || this.stdout).slice(-4000)}`,
      );
    return this[stream];
  }

  /** SIGTERM, then SIGKILL after the deadline; returns once the program is gone. Never throws, so that clean-up goes on. */
  async end(deadlineMs = 2000): Promise<void> {
    if (!this.isUp) return;
    this.#process.kill("SIGTERM");
    if (await this.#endsWithin(deadlineMs)) return;
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  #endsWithin(deadlineMs: number): Promise<boolean> {
    const ended = this.#process.exited.then(() => true);
    return Promise.race([ended, Bun.sleep(deadlineMs).then(() => false)]);
  }
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
  take(decoder.decode());
}
