// The terminal while top has it: the other screen, no cursor, keys one by one. Whatever happens, it is given back as it was.
import { writeSync } from "node:fs";
import { codeOf } from "../../base/outcome.ts";
import type { Line, Size } from "./view.ts";

// xterm's control sequences: the other screen, the cursor, wrapping, home, bold, clear to the end of a line.
const take = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const giveBack = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const [home, bold, plain, clearLine] = ["\u001b[H", "\u001b[1m", "\u001b[0m", "\u001b[K"];
const sizeDefault: Size = { columns: 80, rows: 24 };
const output = 1;

/** Standard input and output as one screen. */
export class Terminal {
  private isTaken = false;
  private readonly restore = () => this.close();

  /** True when both ends are one. */
  static get isThere(): boolean {
    return process.stdin.isTTY === true && process.stdout.isTTY === true;
  }

  /** Takes the terminal; `typed` gets what is typed, `resized` hears of a new size. */
  open(typed: (input: string) => void, resized: () => void): void {
    this.isTaken = true;
    // Also when a bug ends the process: a shell in raw mode without a cursor is a bad place to read about it.
    process.once("exit", this.restore);
    process.stdin.setRawMode(true);
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (input) => typed(String(input)));
    process.stdout.on("resize", resized);
    process.stdin.resume();
    write(take);
  }

  get size(): Size {
    const { columns, rows } = process.stdout;
    return columns > 0 && rows > 0 ? { columns, rows } : sizeDefault;
  }

  /**
   * Shows the lines, as many as the screen has, in one write: nothing flickers. A line is cleared before it is written: after a full
   * one, the cursor stands on its last character.
   */
  show(lines: readonly Line[]): void {
    const text = lines
      .map((line) => `${clearLine}${line.isBold ? `${bold}${line.text}${plain}` : line.text}`)
      .join("\r\n");
    write(`${home}${text}`);
  }

  close(): void {
    if (this.isTaken) {
      this.isTaken = false;
      process.off("exit", this.restore);
      write(giveBack);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
  }
}

/** A terminal that is gone (ssh broke off) takes nothing more; its process hears of that by SIGHUP. */
function write(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(output, bytes, at);
    } catch (thrown) {
      if (codeOf(thrown) !== "EAGAIN") {
        return;
      }
    }
  }
}
