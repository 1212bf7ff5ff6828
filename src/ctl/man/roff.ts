// Text as roff, for man(7). Every text goes through escaped(): what an option is called must not become a command of the formatter.

import { foldCommand } from "../fold.ts";

/** `text` as it shall appear, within a line. */
export function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("`", "\\(ga");
}

/** A line of text; one that begins with a dot is no command. */
export function line(text: string): string {
  const safe = escaped(text);
  return safe.startsWith(".") ? `\\&${safe}` : safe;
}

/** A heading and what stands below it. */
export function section(name: string, ...body: readonly string[]): string[] {
  // A heading begins a paragraph of its own.
  const [first, ...rest] = body;
  return [`.SH ${escaped(name)}`, ...(first === ".PP" ? rest : body)];
}

/** The same, one level down. */
export function subsection(name: string, ...body: readonly string[]): string[] {
  return [`.SS "${escaped(name).replaceAll('"', "\\(dq")}"`, ...body];
}

/** Paragraphs. */
export function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((text) => [".PP", line(text)]);
}

/** Terms, each with its meaning. */
export function terms(entries: readonly (readonly [term: string, meaning: string])[]): string[] {
  return entries.flatMap(([term, meaning]) => [".TP", `\\fB${escaped(term)}\\fR`, line(meaning)]);
}

/** Command lines, as they are typed, each with what it does. */
export function examples(lines: readonly { line: string; does: string }[]): string[] {
  return lines.flatMap((each) => {
    const commands = foldCommand(each.line, exampleColumns).map(line);
    return [".PP", line(`${capital(each.does)}:`), ".PP", ".RS 4", ".nf", ...commands, ".fi", ".RE"];
  });
}

/** `text` as a sentence begins. */
export function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** What is left of 80 columns, set in twice. */
const exampleColumns = 68;
