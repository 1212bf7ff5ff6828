// Changes a JSON5 text so that it means another value, and leaves alone what need not change: comments, order, spelling.
import { type ArrayNode, meaningOf, type Node, type ObjectNode, type Span } from "./json5/node.ts";
import { print, printKey } from "./print.ts";

const space = /\s*/y;
const blanks = /[ \t\r]*/y;

/** Puts `text` in the place of a span. */
export type Edit = Span & { text: string };

/** The text with all edits made; they must not overlap. */
export function edited(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const edit of edits.toSorted((a, b) => b.start - a.start || b.end - a.end)) {
    result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  }
  return result;
}

/** Finds the edits of one text, whose comments must be known: a comma in a comment is no comma. */
export class Editor {
  private readonly text: string;
  private readonly comments: ReadonlyMap<number, number>;
  readonly edits: Edit[] = [];

  constructor(text: string, comments: readonly Span[]) {
    this.text = text;
    this.comments = new Map(comments.map(({ start, end }) => [start, end]));
  }

  /** `node` is to mean `value`. Of objects, members that `value` does not name stay, unless `isOurs` says that they must go. */
  become(node: Node, value: unknown, isOurs: (key: string) => boolean = () => true): void {
    if (node.kind === "object" && typeof value === "object" && value !== null && !Array.isArray(value)) {
      this.becomeObject(node, new Map(Object.entries(value)), isOurs);
    } else if (node.kind === "array" && Array.isArray(value)) {
      this.becomeArray(node, value, isOurs);
    } else if (node.kind !== "scalar" || node.value !== value) {
      this.replace(node, value);
    }
  }

  /** Puts another value there, in one piece. */
  replace(node: Node, value: unknown): void {
    this.edits.push({ start: node.start, end: node.end, text: print(value, this.indentAt(node.start)) });
  }

  /** Takes an item or a member away, with its comma and the comment behind it on its line. */
  remove({ start, end }: Span): void {
    const comma = this.commaBehind(end);
    let to = comma ?? end;
    const isLineFirst = this.text.slice(this.lineStart(start), start).trim() === "";
    if (isLineFirst) {
      const line = this.restOfLine(to);
      if (line !== undefined) {
        this.edits.push({ start: this.lineStart(start), end: line, text: "" });
        return;
      }
    }
    to = this.skip(blanks, to);
    this.edits.push({ start, end: to, text: "" });
  }

  /** Adds values behind the last item of a list, or members behind the last of an object; `last` is what stands there now. */
  append(container: Span, last: Span | undefined, texts: (indent: string) => readonly string[]): void {
    const closing = container.end - 1;
    if (last === undefined) {
      const indent = this.indentAt(container.start);
      const lines = texts(`${indent}  `).map((text) => `${indent}  ${text},\n`);
      // What stands in an empty container can only be comments: they stay in front.
      const inside = this.text.slice(container.start + 1, closing).trimEnd();
      const isUsed = this.edits.some(({ start, end }) => start > container.start && end < container.end);
      if (isUsed) {
        this.edits.push({ start: closing, end: closing, text: `${lines.join("")}${indent}` });
        return;
      }
      this.edits.push({
        start: container.start + 1 + inside.length,
        end: closing,
        text: `\n${lines.join("")}${indent}`,
      });
      return;
    }
    const indent = this.indentAt(last.start);
    const comma = this.commaBehind(last.end);
    const behind = comma ?? last.end;
    const missing = comma === undefined ? "," : "";
    const line = this.text.slice(container.start, closing).includes("\n") ? this.restOfLine(behind, true) : undefined;
    if (line === undefined) {
      const text = texts(indent).map((each) => ` ${each}`);
      this.edits.push({
        start: behind,
        end: behind,
        text: missing + text.join(",") + (comma === undefined ? "" : ","),
      });
      return;
    }
    const text = texts(indent).map((each) => `\n${indent}${each},`);
    if (line > behind && missing !== "") {
      this.edits.push({ start: behind, end: behind, text: missing });
    }
    this.edits.push({ start: line, end: line, text: (line > behind ? "" : missing) + text.join("") });
  }

  /** Items that are wanted stay as they are written; others go, and what is new comes behind them. */
  private becomeArray(node: ArrayNode, values: readonly unknown[], isOurs: (key: string) => boolean): void {
    if (values.length === node.items.length) {
      for (const [index, item] of node.items.entries()) {
        this.become(item, values[index], isOurs);
      }
      return;
    }
    const kept: Node[] = [];
    const gone: Node[] = [];
    for (const item of node.items) {
      (Bun.deepEquals(meaningOf(item), values[kept.length]) ? kept : gone).push(item);
    }
    if (kept.length === 0) {
      this.replace(node, values);
      return;
    }
    for (const item of gone) {
      this.remove(item);
    }
    if (kept.length < values.length) {
      this.append(node, kept.at(-1), (indent) => values.slice(kept.length).map((value) => print(value, indent)));
    }
  }

  private becomeObject(node: ObjectNode, members: Map<string, unknown>, isOurs: (key: string) => boolean): void {
    const kept: Span[] = [];
    for (const { name, key, value } of node.members) {
      const wanted = members.get(name);
      const isNull = value.kind === "scalar" && value.value === null;
      const span = { start: key.start, end: value.end };
      if (wanted === undefined && !isNull && isOurs(name)) {
        this.remove(span);
      } else {
        kept.push(span);
      }
      if (wanted !== undefined) {
        this.become(value, wanted, isOurs);
      }
      members.delete(name);
    }
    const fresh = [...members].filter(([, value]) => value !== undefined);
    if (fresh.length > 0) {
      this.append(node, kept.at(-1), (indent) =>
        fresh.map(([name, value]) => `${printKey(name)}: ${print(value, indent)}`),
      );
    }
  }

  private skip(what: RegExp, at: number): number {
    what.lastIndex = at;
    return at + (what.exec(this.text)?.[0].length ?? 0);
  }

  private lineStart(at: number): number {
    return this.text.lastIndexOf("\n", at - 1) + 1;
  }

  private indentAt(at: number): string {
    return /^[ \t]*/.exec(this.text.slice(this.lineStart(at)))?.[0] ?? "";
  }

  /** Behind the comma that follows `at`, or undefined when none does. */
  private commaBehind(at: number): number | undefined {
    let here = at;
    for (;;) {
      here = this.skip(space, here);
      const end = this.comments.get(here);
      if (end === undefined) {
        return this.text[here] === "," ? here + 1 : undefined;
      }
      here = end;
    }
  }

  /** The end of the line, with or without its newline, when nothing but comments follows on it. */
  private restOfLine(at: number, isNewlineKept = false): number | undefined {
    let here = at;
    for (;;) {
      here = this.skip(blanks, here);
      if (this.text[here] === "\n") {
        return isNewlineKept ? here : here + 1;
      }
      const end = this.comments.get(here);
      if (end === undefined || this.text.slice(here, end).includes("\n")) {
        return undefined;
      }
      here = end;
    }
  }
}
