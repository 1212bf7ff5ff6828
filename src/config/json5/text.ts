// Strings of JSON5: what their escapes mean, and where a string ends that nobody closed.
import type { Complaint } from "./node.ts";

/** What stands behind a backslash and is not itself. */
const simple: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** What a string means and where it ends. Without `value`: it does not end, or holds what is no escape. */
export type ReadString = { end: number; value?: string };

/** Reads the string that begins at `start` with `quote`. One that is not closed ends with its line. */
export function readString(
  text: string,
  start: number,
  quote: string,
  complain: (complaint: Complaint) => void,
): ReadString {
  let value = "";
  let isSound = true;
  let at = start + 1;
  for (;;) {
    const character = text[at];
    if (character === quote) {
      return isSound ? { end: at + 1, value } : { end: at + 1 };
    }
    if (character === undefined || character === "\n" || character === "\r") {
      complain({ start, end: at, message: `the text that begins here has no closing ${quote}` });
      return { end: at };
    }
    if (character !== "\\") {
      value += character;
      at++;
      continue;
    }
    const escaped = readEscape(text, at);
    if (escaped.value === undefined) {
      isSound = false;
      complain({ start: at, end: escaped.end, message: `'${text.slice(at, escaped.end)}' is not an escape` });
    }
    value += escaped.value ?? "";
    at = escaped.end;
  }
}

function readEscape(text: string, start: number): { end: number; value?: string } {
  const letter = text[start + 1] ?? "";
  if (letter === "\r" && text[start + 2] === "\n") {
    return { end: start + 3, value: "" };
  }
  if (letter === "\n" || letter === "\r" || letter === "\u2028" || letter === "\u2029") {
    return { end: start + 2, value: "" };
  }
  if (letter === "x" || letter === "u") {
    const size = letter === "x" ? 2 : 4;
    const digits = /^[0-9a-fA-F]*/.exec(text.slice(start + 2, start + 2 + size))?.[0] ?? "";
    const end = start + 2 + digits.length;
    return digits.length === size ? { end, value: String.fromCharCode(Number.parseInt(digits, 16)) } : { end };
  }
  if (letter === "0" && !/[0-9]/.test(text[start + 2] ?? "")) {
    return { end: start + 2, value: "\0" };
  }
  if (letter === "" || /[0-9]/.test(letter)) {
    return { end: start + 1 + letter.length };
  }
  return { end: start + 2, value: simple[letter] ?? letter };
}
