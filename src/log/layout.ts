// How a line looks: for a person, for a log collector, for the journal, for the tools of MCR's operators. Pure.
import { printable } from "../base/printable.ts";
import type { Collected } from "./collector.ts";
import { type Level, severity } from "./record.ts";

/** Where a line came from; `worker` is the number of its place, absent for the supervisor itself. A spare may get a place. */
export type Origin = { worker?: number | "spare"; pid: number };

/** A line with its origin, ready to be printed. */
export type Entry = Collected & { origin: Origin };

/** `text`: a person's; `mcr`: as INTEROP.md 7 and 8.2 want it, under the name `mcrd`. */
export type Format = "text" | "json" | "journal" | "mcr";

/** The whole line, with its end. */
export type Layout = (entry: Entry) => string;

const words: Record<Level, string> = {
  Emergency: "emerg",
  Alert: "alert",
  Critical: "crit",
  Error: "error",
  Warning: "warn",
  Notice: "notice",
  Info: "info",
  Debug: "debug",
  Trace: "trace",
};

/** The parts of a person's line, so that a terminal can colour them. */
export function partsOf(entry: Entry): { time: string; level: string; who: string; message: string; fields: string } {
  // A person reads milliseconds; JSON keeps the microseconds.
  const time = entry.timestamp.replace(/(\.\d{3})\d+/, "$1");
  return {
    time,
    level: words[entry.level].padEnd(5),
    who: who(entry),
    message: printable(entry.message),
    fields: fieldsOf(entry),
  };
}

function who({ origin, facility }: Entry): string {
  if (origin.worker === "spare") {
    return `[spare pid ${origin.pid} ${facility.toLowerCase()}]`;
  }
  return origin.worker === undefined
    ? "[supervisor]"
    : `[worker ${origin.worker} pid ${origin.pid} ${facility.toLowerCase()}]`;
}

/** ` rule=feed-a frames=12` with a space before each, empty when there are none. */
function fieldsOf({ fields }: Entry): string {
  return Object.entries(fields ?? {})
    .map(([name, value]) => ` ${printable(name)}=${quoted(value)}`)
    .join("");
}

function quoted(value: unknown): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return printable(/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text));
}

function text(entry: Entry): string {
  const { time, level, who, message, fields } = partsOf(entry);
  return `${time} ${level} ${who} ${message}${fields === "" ? "" : ` ${fields}`}\n`;
}

function json({ timestamp, level, facility, origin, message, fields, isRaw }: Entry): string {
  // What JSON leaves as it is (DEL, C1, bidirectional overrides) becomes the escape that JSON knows too.
  return `${printable(JSON.stringify({ timestamp, level, facility, ...origin, message, fields, raw: isRaw }))}\n`;
}

/** sd-daemon(3): the priority, 0 to 7, before the line. The journal has a clock of its own. */
function journal(entry: Entry): string {
  const { who, message, fields } = partsOf(entry);
  return `<${Math.min(severity(entry.level), 7)}>${who} ${message}${fields === "" ? "" : ` ${fields}`}\n`;
}

function mcr(entry: Entry): string {
  const { origin, timestamp, level, fields, isRaw } = entry;
  const message = printable(entry.message);
  if (origin.worker === undefined) {
    return `[${localTime(timestamp)}] [${level}] [Supervisor] ${message}${fieldsOf(entry)}\n`;
  }
  if (isRaw === true) {
    return `[Worker ${origin.pid}] ${message}\n`;
  }
  const more = fields === undefined ? "" : `  Fields: ${JSON.stringify(fields)}\n`;
  return `[Worker ${origin.pid}] [${timestamp}] [${level}] ${message}\n${more}`;
}

/** A line of mcrd's own as it is (INTEROP.md 1.1), or as one JSON object. The message carries its own beginning. */
export function mcrdLine(linesAsJson: boolean): (level: Level, message: string, timestamp: string) => string {
  return (level, message, timestamp) =>
    linesAsJson
      ? `${printable(JSON.stringify({ timestamp, level, facility: "Supervisor", message }))}\n`
      : `${printable(message)}\n`;
}

/** `2026-01-31 12:00:00.000` where we are. */
function localTime(timestamp: string): string {
  const date = new Date(timestamp);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 23).replace("T", " ");
}

/** The layouts by format; `text` without colours. */
export const layouts: Record<Format, Layout> = { text, json, journal, mcr };
