// The supervisor's log: its own lines and its workers', in the form that suits where they go.
import type { Line } from "../base/lines.ts";
import { type Facility, type Fields, type Level, type LogRecord, record, severity } from "./record.ts";

export type Format = "text" | "json" | "journal";

/** Where a line came from; `worker` is the number of its place. */
export type Origin = { worker?: number; pid: number };

/** Writes one finished line, with its end. */
export type Print = (line: string) => void;

export class Log {
  private readonly format: Format;
  private readonly print: Print;
  private level: Level;

  constructor(format: Format, level: Level, print: Print) {
    this.format = format;
    this.level = level;
    this.print = print;
  }

  /** A line of the supervisor's own. */
  say(level: Level, message: string, fields?: Fields, facility: Facility = "Supervisor"): void {
    if (severity(level) <= severity(this.level)) {
      const timestamp = new Date().toISOString();
      this.put({ timestamp, level, facility, message, ...(fields === undefined ? {} : { fields }) }, { pid: process.pid });
    }
  }

  /** A line of a worker. What is no record (a panic, a library's words) is wrapped, not lost. */
  forward(origin: Origin, line: Line): void {
    if (line.text === "") {
      return;
    }
    this.put(read(line), origin);
  }

  private put(entry: LogRecord, origin: Origin): void {
    if (this.format === "json") {
      this.print(`${JSON.stringify({ ...entry, ...origin })}\n`);
      return;
    }
    const who = origin.worker === undefined ? "supervisor" : `worker ${origin.worker} pid ${origin.pid} ${entry.facility.toLowerCase()}`;
    const fields = Object.entries(entry.fields ?? {}).map(([name, value]) => ` ${name}=${quoted(String(value))}`);
    const text = `[${who}] ${entry.message}${fields.length > 0 ? ` ${fields.join("")}` : ""}`;
    if (this.format === "journal") {
      // sd-daemon(3): the priority, 0 to 7, before the line.
      this.print(`<${Math.min(severity(entry.level), 7)}>${text}\n`);
      return;
    }
    this.print(`${entry.timestamp} ${entry.level.toLowerCase().padEnd(8)} ${text}\n`);
  }

}

function read(line: Line): LogRecord {
  const timestamp = new Date().toISOString();
  const cut = line.isCut ? " (line cut)" : "";
  try {
    const parsed = record.safeParse(JSON.parse(line.text));
    if (parsed.success) {
      return parsed.data;
    }
  } catch (thrown) {
    const note = thrown instanceof SyntaxError ? cut : ` (${thrown})`;
    return { timestamp, level: "Warning", facility: "DataPlane", message: `${line.text}${note}` };
  }
  return { timestamp, level: "Warning", facility: "DataPlane", message: `${line.text}${cut}` };
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
