import { expect, test } from "bun:test";
import fc from "fast-check";
import { shellWords } from "../../src/base/shell-words.ts";

test.each<[string, string[]]>([
  ["", []],
  ["  # nothing but a comment", []],
  ["add --ttl 4 # why", ["add", "--ttl", "4"]],
  ["a#b '#c' \\#d", ["a#b", "#c", "#d"]],
  ["--name 'a b'\"c d\"e", ["--name", "a bc de"]],
  ['"a \\" \\\\ \\n b" \'c \\\'', ['a " \\ \\n b', "c \\"]],
  ["'' \"\"", ["", ""]],
  ["\t a \t b\t", ["a", "b"]],
])("%j is the words %j", (line, words) => {
  expect(shellWords(line)).toEqual({ ok: true, value: words });
});

test.each<[string, string]>([
  ["add 'a", "the quote ' in column 5 is not closed"],
  ['add "a\\"', 'the quote " in column 5 is not closed'],
  ["add \\", "a backslash at the end of the line; a command stands in one line"],
])("%j is refused: %s", (line, error) => {
  expect(shellWords(line)).toEqual({ ok: false, error });
});

test("whatever words there are, quoted they come back", () => {
  const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
      expect(shellWords(words.map(quoted).join(" "))).toEqual({ ok: true, value: words });
    }),
  );
});
