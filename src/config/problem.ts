// What is wrong with a configuration, told as compilers tell it: `file:line:column: message`, with the line below.
import { printable } from "../base/printable.ts";
import type { Span } from "./json5/node.ts";
import { type Place, Places } from "./json5/place.ts";

/** One thing to mend (or, as a warning, to know). `place` is absent where there is no text, only a file or a value. */
export type Problem = {
  severity: "error" | "warning";
  message: string;
  file: string;
  place?: Place;
  /** The line it stands in, and how many characters of it are meant. */
  line?: string;
  width?: number;
};

/** `file:line:column: message`; a warning says that it is one. */
export function problemLine({ severity, message, file, place }: Problem): string {
  const where = place === undefined ? printable(file) : `${printable(file)}:${place.line}:${place.column}`;
  return `${where}: ${severity === "warning" ? "warning: " : ""}${message}`;
}

/** How much of a long line is shown, and how much of that before the place. */
const shownMax = 110;
const shownBefore = 60;

/** The same, with the line of the file and a mark under what is meant. */
export function problemLines(problem: Problem): string[] {
  const { place, line, width = 1 } = problem;
  if (place === undefined || line === undefined) {
    return [problemLine(problem)];
  }
  const characters = [...line];
  const from = characters.length <= shownMax ? 0 : Math.max(0, place.column - 1 - shownBefore);
  // A tab, too, is one column wide here: the mark stands under what it means.
  const shown = characters.slice(from, from + shownMax).map((each) => printable(each === "\t" ? " " : each));
  const before = shown.slice(0, place.column - 1 - from).join("").length;
  const meant = shown.slice(place.column - 1 - from, place.column - 1 - from + width).join("").length;
  const number = String(place.line);
  const margin = " ".repeat(number.length);
  return [
    problemLine(problem),
    ` ${number} | ${shown.join("")}`,
    ` ${margin} | ${" ".repeat(before)}${"^".repeat(Math.max(1, meant))}`,
  ];
}

/** A longer line was written by a program, for programs: it is not shown. */
const lineShownMax = 4096;

/** Makes problems of one text. */
export class Reporter {
  readonly file: string;
  private readonly places: Places;
  private readonly text: string;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.places = new Places(text);
  }

  /** The problem that `message` tells of what stands at `span`. */
  problem(severity: Problem["severity"], { start, end }: Span, message: string): Problem {
    const place = this.places.at(start);
    const [first = ""] = this.text.slice(start, Math.min(end, start + lineShownMax)).split(/[\n\r]/, 1);
    const line = this.places.line(place.line);
    const excerpt = line.length > lineShownMax ? {} : { line, width: [...first].length };
    return { severity, message, file: this.file, place, ...excerpt };
  }

  /** `file:line:column` of an offset. */
  where(offset: number): string {
    const { line, column } = this.places.at(offset);
    return `${printable(this.file)}:${line}:${column}`;
  }
}

/** In the order of files and places; errors and warnings mixed. */
export function sorted(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  return problems.toSorted(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
      (a.place?.column ?? 0) - (b.place?.column ?? 0),
  );
}
