// A line as a shell would cut it into words: quotes, backslashes, a comment. No variables, no patterns, no substitution.
import { done, failed, type Outcome } from "./outcome.ts";

/** One piece of a word, what stands between two words, or a comment; POSIX shell 2.2 and 2.3. */
const piece = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/suy;

/** The words of `line`; `#` where a word may begin starts a comment. The error says which quote is not closed. */
export function shellWords(line: string): Outcome<string[]> {
  const words: string[] = [];
  let word: string | undefined;
  piece.lastIndex = 0;
  while (piece.lastIndex < line.length) {
    const at = piece.lastIndex;
    if (word === undefined && line[at] === "#") {
      break;
    }
    const match = piece.exec(line);
    if (match === null) {
      return failed(
        line[at] === "\\"
          ? "a backslash at the end of the line; a command stands in one line"
          : `the quote ${line[at]} in column ${at + 1} is not closed`,
      );
    }
    const [, single, double, escaped, plain] = match;
    const text = single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? plain;
    if (text !== undefined) {
      word = (word ?? "") + text;
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return done(word === undefined ? words : [...words, word]);
}
