// A person's lines in colours, through consola, for a terminal. Loaded only when there is one.
import { type ConsolaReporter, createConsola, type LogType } from "consola/core";
import { type ColorName, colors } from "consola/utils";
import { type Entry, type Layout, partsOf } from "./layout.ts";
import type { Level } from "./record.ts";

const types: Record<Level, LogType> = {
  Emergency: "fatal",
  Alert: "fatal",
  Critical: "fatal",
  Error: "error",
  Warning: "warn",
  Notice: "log",
  Info: "info",
  Debug: "debug",
  Trace: "trace",
};

const tints: Partial<Record<LogType, ColorName>> = {
  fatal: "bgRed",
  error: "red",
  warn: "yellow",
  log: "bold",
  info: "green",
  debug: "cyan",
  trace: "gray",
};

/** Colours as consola decides about them: none with NO_COLOR, none on a dumb terminal. */
export function terminalLayout(): Layout {
  let line = "";
  const reporter: ConsolaReporter = {
    log: ({ args, type }) => {
      line = coloured(args[0] as Entry, tints[type] ?? "reset");
    },
  };
  // Levels and repeated lines are decided before a line comes here.
  const terminal = createConsola({ level: Number.POSITIVE_INFINITY, throttle: 0, reporters: [reporter] });
  return (entry) => {
    terminal[types[entry.level]].raw(entry);
    return line;
  };
}

function coloured(entry: Entry, tint: ColorName): string {
  const { time, level, who, message, fields } = partsOf(entry);
  const tail = fields === "" ? "" : ` ${colors.dim(fields)}`;
  return `${colors.dim(time)} ${colors[tint](level)} ${colors.dim(who)} ${message}${tail}\n`;
}
