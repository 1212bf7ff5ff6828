// Puts the supervisor's log together: levels, layout, and a way out that never waits.
import { Log } from "../../log/forward.ts";
import { type Layout, layouts, mcrdLine } from "../../log/layout.ts";
import { Levels } from "../../log/levels.ts";
import { Printer } from "../../log/printer.ts";
import { levelNamed } from "../../log/record.ts";
import { Tail } from "../../log/tail.ts";
import { shim } from "../../shim/library.ts";
import { formatHere, isTerminal, openErrorOutput } from "./error-output.ts";
import type { SuperviseOptions } from "./options.ts";

const wallClock = 0;

/** `flush` gives a slow reader a bounded chance to take all that was said. */
export type OpenLog = { log: Log; tail: Tail; flush: () => Promise<void>; close: () => Promise<void> };

/** The log on standard error. `close` says what is held back and gives a slow reader a last, bounded chance. */
export async function openLog(options: Pick<SuperviseOptions, "logFormat" | "logLevel" | "asMcrd">): Promise<OpenLog> {
  const layout = await layoutFor(options.logFormat);
  const printer = new Printer(openErrorOutput(), (lines) => lossLine(layout, lines));
  const tail = new Tail();
  const log = new Log({
    levels: new Levels(levelNamed(options.logLevel) ?? "Info"),
    layout: (entry) => {
      tail.note(entry);
      return layout(entry);
    },
    print: (line) => printer.print(line),
    clockUs: () => shim.mcr_clock_ns(wallClock) / 1000,
    ...(options.asMcrd === undefined ? {} : { announcement: mcrdLine(options.asMcrd.linesAsJson) }),
  });
  const close = () => {
    log.end();
    return printer.close();
  };
  return { log, tail, flush: () => printer.close(), close };
}

async function layoutFor(wanted: SuperviseOptions["logFormat"]): Promise<Layout> {
  const format = wanted === "auto" ? formatHere() : wanted;
  return format === "text" && isTerminal() ? (await import("../../log/terminal.ts")).terminalLayout() : layouts[format];
}

/** Stands where lines are missing because nobody took them. */
function lossLine(layout: Layout, lines: number): string {
  return layout({
    timestamp: new Date().toISOString(),
    level: "Warning",
    facility: "Supervisor",
    message: "lines lost: whoever reads this log does not keep up",
    fields: { lines_lost: lines },
    origin: { pid: process.pid },
  });
}
