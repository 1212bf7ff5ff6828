// JSON5 (spec.json5.org) as tokens. Never throws; what is no token comes as `other`, with what is wrong as a complaint.
import { printable } from "../../base/printable.ts";
import type { Complaint, Span } from "./node.ts";
import { readString } from "./text.ts";

/** `word`: a name without quotes, or a literal. `other`: a character, or a run of them, that cannot stand anywhere. */
export type TokenKind = "{" | "}" | "[" | "]" | ":" | "," | "string" | "number" | "word" | "other" | "end";

/** A token. `value`: what a string, number or word means; undefined when it cannot be told. */
export type Token = Span & { kind: TokenKind; value?: string | number };

// JavaScript's \s is exactly JSON5's white space and line ends.
const space = /\s+/y;
const lineComment = /\/\/[^\n\r\u2028\u2029]*/y;
const plainString = /"[^"\\\n\r]*"|'[^'\\\n\r]*'/y;
const word = /(?:[$_\p{ID_Start}]|\\u[0-9a-fA-F]{4})(?:[$_\u200c\p{ID_Continue}]|\u200d|\\u[0-9a-fA-F]{4})*/uy;
const number =
  /[+-]?(?:0[xX][0-9a-fA-F]+|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|Infinity|NaN)/y;
/** What somebody may have meant as one number or word. */
const run = /[$_.+\-\\\p{ID_Continue}]+/uy;
const escapes = /\\u([0-9a-fA-F]{4})/g;
const wholeWord = /^[$_\p{ID_Start}](?:[$_\u200c\p{ID_Continue}]|\u200d)*$/u;

/** Reads one token after the other; comments and white space lie between them. */
export class Scanner {
  readonly text: string;
  readonly comments: Span[] = [];
  readonly complain: (complaint: Complaint) => void;
  private at = 0;

  constructor(text: string, complain: (complaint: Complaint) => void) {
    this.text = text;
    this.complain = complain;
  }

  /** The next token; at the end of the text "end", again and again. */
  next(): Token {
    this.skip();
    const start = this.at;
    const character = this.text[start];
    switch (character) {
      case undefined:
        return { kind: "end", start, end: start };
      case "{":
      case "}":
      case "[":
      case "]":
      case ":":
      case ",":
        this.at++;
        return { kind: character, start, end: this.at };
      case '"':
      case "'":
        return this.string(character);
      default:
        return this.numberOrWord();
    }
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0];
  }

  private skip(): void {
    for (;;) {
      const start = this.at;
      this.at += this.match(space)?.length ?? 0;
      const line = this.match(lineComment);
      if (line !== undefined) {
        this.comments.push({ start: this.at, end: this.at + line.length });
        this.at += line.length;
      } else if (this.text.startsWith("/*", this.at)) {
        this.blockComment();
      }
      if (this.at === start) {
        return;
      }
    }
  }

  private blockComment(): void {
    const start = this.at;
    const close = this.text.indexOf("*/", start + 2);
    this.at = close < 0 ? this.text.length : close + 2;
    this.comments.push({ start, end: this.at });
    if (close < 0) {
      this.complain({ start, end: start + 2, message: "the comment that begins here never ends; '*/' is missing" });
    }
  }

  private string(quote: string): Token {
    const start = this.at;
    const plain = this.match(plainString);
    if (plain !== undefined) {
      this.at += plain.length;
      return { kind: "string", start, end: this.at, value: plain.slice(1, -1) };
    }
    const read = readString(this.text, start, quote, this.complain);
    this.at = read.end;
    return { kind: "string", start, ...read };
  }

  private numberOrWord(): Token {
    const start = this.at;
    const found = this.match(number);
    const all = this.match(run) ?? "";
    if (found !== undefined && found.length >= all.length && !/^[IN]/.test(found)) {
      this.at += found.length;
      return { kind: "number", start, end: this.at, value: numberOf(found) };
    }
    const name = this.match(word);
    if (name !== undefined && name.length >= all.length) {
      this.at += name.length;
      return this.wordToken(start, name);
    }
    return this.other(start, all);
  }

  private wordToken(start: number, text: string): Token {
    const value = text.replace(escapes, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (!wholeWord.test(value)) {
      this.complain({ start, end: this.at, message: `${quoted(text)} cannot be a name without quotes` });
      return { kind: "word", start, end: this.at };
    }
    return { kind: "word", start, end: this.at, value };
  }

  private other(start: number, all: string): Token {
    if (/^[+-]?\.?[0-9]/.test(all)) {
      this.at += all.length;
      this.complain({ start, end: this.at, message: `${quoted(all)} is not a number` });
      return { kind: "number", start, end: this.at };
    }
    this.at += all === "" ? String.fromCodePoint(this.text.codePointAt(start) ?? 0).length : all.length;
    return { kind: "other", start, end: this.at };
  }
}

function numberOf(text: string): number {
  const magnitude = Number(text.replace(/^[+-]/, ""));
  return text.startsWith("-") ? -magnitude : magnitude;
}

/** How much of a text a complaint repeats. */
const quotedLengthMax = 40;

/** A piece of the file, short enough for a line and safe for a terminal. */
export function quoted(text: string): string {
  return `'${printable(text.slice(0, quotedLengthMax))}${text.length > quotedLengthMax ? "…" : ""}'`;
}
