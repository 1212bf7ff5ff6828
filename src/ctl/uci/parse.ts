// Reads UCI, the configuration format of OpenWrt: sections of options and lists. The grammar is that of libuci's file backend
// (openwrt.org, "The UCI system"; uci(1)), save that a quoted value must end on its line. It goes on after a mistake, so that all are told.
import { printable } from "../../base/printable.ts";

/** One `option` or one entry of a `list`. `line` from 1. */
export type UciValue = { text: string; line: number };

/** All values of one key, in their order. `isList`: written with `list`. */
export type UciOption = { key: string; line: number; isList: boolean; values: UciValue[] };

/** One section; without a name it is an anonymous one. */
export type UciSection = { type: string; name: string | undefined; line: number; options: Map<string, UciOption> };

/** What is wrong in which line. */
export type UciComplaint = { line: number; message: string };

type Word = { text: string } | { mistake: string };

const nameShape = /^[A-Za-z0-9_]+$/;
const typeShape = /^[\x21-\x7e]+$/;

/** Sections in their order, and every mistake. */
export function parseUci(text: string): { sections: UciSection[]; complaints: UciComplaint[] } {
  const sections: UciSection[] = [];
  const complaints: UciComplaint[] = [];
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    for (const statement of statementsOf(written)) {
      const mistake = typeof statement === "string" ? statement : obey(statement, line, sections);
      if (mistake !== undefined) {
        complaints.push({ line, message: mistake });
      }
    }
  }
  return { sections, complaints };
}

/** The statements of one line, each as its words; a text is what is wrong with the rest of the line. */
function statementsOf(written: string): (string[] | string)[] {
  const statements: (string[] | string)[] = [];
  let words: string[] = [];
  for (let at = 0; at < written.length; ) {
    const rest = written.slice(at);
    const [blank = ""] = /^\s+/.exec(rest) ?? [];
    if (blank !== "") {
      at += blank.length;
    } else if (rest.startsWith("#")) {
      break;
    } else if (rest.startsWith(";")) {
      statements.push(words);
      words = [];
      at += 1;
    } else {
      const { word, size } = takeWord(rest);
      if ("mistake" in word) {
        return [...statements, word.mistake];
      }
      words.push(word.text);
      at += size;
    }
  }
  return [...statements, words].filter((each) => each.length > 0);
}

/** The word at the start of `text`: bare and quoted parts side by side are one. */
function takeWord(text: string): { word: Word; size: number } {
  let word = "";
  let at = 0;
  let quote: string | undefined;
  for (; at < text.length; at++) {
    const letter = text.charAt(at);
    if (quote === undefined && (/\s/.test(letter) || letter === ";")) {
      break;
    }
    if (letter === quote) {
      quote = undefined;
    } else if (quote === undefined && (letter === "'" || letter === '"')) {
      quote = letter;
    } else if (letter === "\\" && quote !== "'") {
      at += 1;
      if (at >= text.length) {
        return { word: { mistake: "the line ends behind a backslash" }, size: at };
      }
      word += text.charAt(at);
    } else {
      word += letter;
    }
  }
  return { word: quote === undefined ? { text: word } : { mistake: `a ${quote} is not closed on its line` }, size: at };
}

/** Carries out one statement; returns what is wrong with it. */
function obey(words: readonly string[], line: number, sections: UciSection[]): string | undefined {
  const [keyword = "", first = "", second, ...more] = words;
  switch (keyword) {
    case "package":
      return words.length === 2 ? undefined : "'package' takes one name";
    case "config":
      return begin(words, line, sections);
    case "option":
    case "list":
      if (second === undefined || more.length > 0) {
        return `'${keyword}' takes a name and a value; a value with blanks stands in quotes`;
      }
      return note(sections.at(-1), keyword === "list", { key: first, value: { text: second, line } });
    default:
      return `a line begins with package, config, option or list, not with '${printable(keyword)}'`;
  }
}

function begin(words: readonly string[], line: number, sections: UciSection[]): string | undefined {
  const [, type = "", name] = words;
  if (words.length < 2 || words.length > 3) {
    return "'config' takes a type and, if you like, a name";
  }
  // Also one that cannot stand: the options that follow are its own, and not those of the section before.
  sections.push({ type, name, line, options: new Map() });
  if (!typeShape.test(type)) {
    return `'${printable(type)}' is no type of a section`;
  }
  if (name === undefined) {
    return undefined;
  }
  if (!nameShape.test(name)) {
    return `'${printable(name)}' is no name of a section: letters, digits and '_' make one`;
  }
  const twin = sections.slice(0, -1).find((each) => each.name === name);
  return twin === undefined ? undefined : `section '${name}' stands here a second time; first in line ${twin.line}`;
}

function note(
  section: UciSection | undefined,
  isList: boolean,
  { key, value }: { key: string; value: UciValue },
): string | undefined {
  if (section === undefined) {
    return `'${printable(key)}' stands before the first section`;
  }
  if (!nameShape.test(key)) {
    return `'${printable(key)}' is no name of an option: letters, digits and '_' make one`;
  }
  const known = section.options.get(key);
  if (known === undefined) {
    section.options.set(key, { key, line: value.line, isList, values: [value] });
    return undefined;
  }
  if (known.isList && isList) {
    known.values.push(value);
    return undefined;
  }
  return `'${key}' stands here a second time; first in line ${known.line}`;
}
