import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseUci } from "../../../src/ctl/uci/parse.ts";

/** Sections as `type name { key=value|value }`. */
function told(text: string): string[] {
  return parseUci(text).sections.map(({ type, name, options }) => {
    const members = [...options.values()].map(
      ({ key, values }) => `${key}=${values.map((each) => each.text).join("|")}`,
    );
    return `${type} ${name ?? "-"} { ${members.join(" ")} }`;
  });
}

test("sections with and without a name hold options and lists, in their order", () => {
  const text =
    "package mcr\n\nconfig mcr 'global'\n\toption enabled '1'\nconfig rule\n\toption port 5000\n\tlist o 'a'\n\tlist o b\n";
  expect(told(text)).toEqual(["mcr global { enabled=1 }", "rule - { port=5000 o=a|b }"]);
  expect(parseUci(text).complaints).toEqual([]);
  expect(parseUci(text).sections[1]?.options.get("o")?.values).toEqual([
    { text: "a", line: 7 },
    { text: "b", line: 8 },
  ]);
});

test.each([
  ["single quotes take everything", "option a 'x \"y\" \\z # ; '", 'x "y" \\z # ; '],
  ["double quotes take a backslash as an escape", 'option a "x \\"y\\" z"', 'x "y" z'],
  ["so does a bare word", "option a x\\ y", "x y"],
  ["parts side by side are one word", "option a x'y z'\"w\"", "xy zw"],
  ["an empty value is one", "option a ''", ""],
  ["a comment ends the line", "option a x # y", "x"],
  ["a hash within a word does not", "option a x#y", "x#y"],
  ["a semicolon ends a statement", "option a x;option b y", "x"],
  ["carriage returns are no part of a value", "option a x\r", "x"],
])("%s", (_, line, value) => {
  const { sections, complaints } = parseUci(`config t\n${line}\n`);
  expect([sections[0]?.options.get("a")?.values[0]?.text, complaints]).toEqual([value, []]);
});

test("everything that is wrong is told with its line, and what is right is read", () => {
  const text = [
    "option early 1",
    "config",
    "config rule 'bad name'",
    "option x 'open",
    "option y",
    "option y 1 2",
    "option ok 1",
    "option ok 2",
    "list ok 3",
    "option k-e 1",
    "konfig rule",
    "config rule 'r'",
    "config rule 'r'",
    "option z \\",
    "package",
  ];
  const { sections, complaints } = parseUci(text.join("\n"));
  expect(complaints.map(({ line, message }) => `${line}: ${message}`)).toEqual([
    "1: 'early' stands before the first section",
    "2: 'config' takes a type and, if you like, a name",
    "3: 'bad name' is no name of a section: letters, digits and '_' make one",
    "4: a ' is not closed on its line",
    "5: 'option' takes a name and a value; a value with blanks stands in quotes",
    "6: 'option' takes a name and a value; a value with blanks stands in quotes",
    "8: 'ok' stands here a second time; first in line 7",
    "9: 'ok' stands here a second time; first in line 7",
    "10: 'k-e' is no name of an option: letters, digits and '_' make one",
    "11: a line begins with package, config, option or list, not with 'konfig'",
    "13: section 'r' stands here a second time; first in line 12",
    "14: the line ends behind a backslash",
    "15: 'package' takes one name",
  ]);
  expect(sections[0]?.options.get("ok")?.values).toEqual([{ text: "1", line: 7 }]);
});

test("any text is read without a throw, each complaint about a line there is, and quoted values come back as they were", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const lines = text.split(/\r?\n/).length;
      for (const { line } of parseUci(text).complaints) expect(line >= 1 && line <= lines).toBe(true);
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[^'\r\n]*$/), (value) => {
      const { sections } = parseUci(`config t\noption a '${value}'`);
      expect(sections[0]?.options.get("a")?.values[0]?.text).toBe(value);
    }),
  );
});
