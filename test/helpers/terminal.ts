// A real terminal of a network test: tmux on a socket of its own, with one shell in it.
import { join } from "node:path";
import type { Lab } from "./namespaces.ts";
import { until } from "./until.ts";

/** The terminal of one lab. `open` makes it, `close` ends it and all that runs in it, and is idempotent. */
export class Terminal {
  readonly #lab: Lab;
  readonly #ns: string;
  readonly #server: string;

  constructor(lab: Lab, ns: string) {
    this.#lab = lab;
    this.#ns = ns;
    this.#server = join(lab.dir, "tmux.sock");
  }

  open(columns: number, rows: number): void {
    this.#tmux("new-session", "-d", "-s", "t", "-x", `${columns}`, "-y", `${rows}`, "sh");
  }

  close(): void {
    this.#tmux("kill-server");
  }

  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-t", "t", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** Text, or keys by tmux's names such as "Enter" and "C-d". */
  type(...keys: readonly string[]): void {
    this.#tmux("send-keys", "-t", "t", ...keys);
  }

  /** What it shows, line by line. */
  get lines(): string[] {
    return this.#tmux("capture-pane", "-p", "-t", "t").replace(/\n$/, "").split("\n");
  }

  /** What it shows and up to 200 lines that have scrolled away, as one text. */
  get history(): string {
    return this.#tmux("capture-pane", "-p", "-S", "-200", "-t", "t");
  }

  /** Waits until what it shows is as wanted. */
  showing(what: string, holds: (text: string, lines: readonly string[]) => boolean): Promise<string[]> {
    return until(
      what,
      () => this.lines,
      (lines) => holds(lines.join("\n"), lines),
    );
  }

  /** Has a cursor and shows the ordinary screen: what a program on the alternate screen must leave behind. */
  get isOrdinary(): boolean {
    return this.#tmux("display-message", "-p", "-t", "t", "#{cursor_flag} #{alternate_on}").trim() === "1 0";
  }

  #tmux(...args: readonly string[]): string {
    return this.#lab.execAnyway(this.#ns, ["tmux", "-u", "-S", this.#server, ...args]).stdout;
  }
}
