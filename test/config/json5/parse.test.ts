import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { meaningOf } from "../../../src/config/json5/node.ts";
import { parseJson5 } from "../../../src/config/json5/parse.ts";
import { Places } from "../../../src/config/json5/place.ts";

/** Every complaint of a text as `line:column: message`. */
function complaintsOf(text: string): string[] {
  const places = new Places(text);
  return parseJson5(text).complaints.map(({ start, message }) => {
    const { line, column } = places.at(start);
    return `${line}:${column}: ${message}`;
  });
}

/** What Bun's own parser says of a text. It does not know a literal with one of the rarer kinds of white space behind it. */
function bunValue(text: string): { value: unknown } | undefined {
  try {
    return {
      value: Bun.JSON5.parse(text.replace(/(true|false|null|Infinity|NaN)(?=[\u00a0\u2028\u2029\ufeff])/g, "$1 ")),
    };
  } catch (error) {
    return error instanceof SyntaxError ? undefined : { value: error };
  }
}

/** White space and comments, of every kind that JSON5 has. */
const trivia = fc
  .array(fc.constantFrom(" ", "\n", "\t", "\r\n", "\u00a0", "\u2028", "/* c */", "// c\n", "/***/", "\ufeff"), {
    maxLength: 2,
  })
  .map((pieces) => pieces.join(""));
const numberText = fc.oneof(
  fc.constantFrom(
    "0",
    "-0",
    "+1",
    ".5",
    "5.",
    "-.25e3",
    "0x1F",
    "-0XaB",
    "1e400",
    "Infinity",
    "-Infinity",
    "NaN",
    "+NaN",
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
);
const stringPiece = fc.oneof(
  fc.constantFrom(
    "\\n",
    "\\\n",
    "\\\r\n",
    "\\x41",
    "\\u00e9",
    "\\0",
    "\\'",
    '\\"',
    "\\q",
    "\\\\",
    "\\ud83d\\ude00",
    "\u2028",
  ),
  fc.constantFrom("a", "é", "😀", " ", "/", "//", "{", ",").map(String),
);
const stringText = fc
  .tuple(fc.constantFrom('"', "'"), fc.array(stringPiece, { maxLength: 6 }))
  .map(([quote, pieces]) => `${quote}${pieces.join("")}${quote}`);
const keyText = fc.oneof(
  stringText,
  fc.constantFrom("a", "b", "$_", "true", "null", "Infinity", "NaN", "é", "__proto__", "constructor", "\\u0061b", "x1"),
);
const { json5: json5Text } = fc.letrec<{ json5: string }>((tie) => ({
  json5: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    numberText,
    stringText,
    fc.constantFrom("true", "false", "null"),
    fc
      .tuple(fc.array(fc.tuple(trivia, tie("json5"), trivia), { maxLength: 4 }), fc.boolean())
      .map(
        ([items, isTrailing]) =>
          `[${items.map((item) => item.join("")).join(",")}${isTrailing && items.length > 0 ? "," : ""}]`,
      ),
    fc
      .tuple(fc.array(fc.tuple(trivia, keyText, trivia, tie("json5"), trivia), { maxLength: 4 }), fc.boolean())
      .map(
        ([members, isTrailing]) =>
          `{${members.map(([a, key, b, value, c]) => `${a}${key}${b}:${b}${value}${c}`).join(",")}${isTrailing && members.length > 0 ? "," : ""}}`,
      ),
  ),
}));

describe("a JSON5 text", () => {
  test("that is valid means what it means to Bun", () => {
    fc.assert(
      fc.property(trivia, json5Text, trivia, (before, text, behind) => {
        const whole = `${before}${text}${behind}`;
        const parsed = parseJson5(whole);
        expect(parsed.complaints).toEqual([]);
        expect({ value: meaningOf(parsed.root) }).toEqual(bunValue(whole) ?? { value: "refused by Bun" });
      }),
      { numRuns: 3_000 },
    );
  });

  test("with anything done to it is read to its end, and is complained about exactly when Bun refuses it", () => {
    const damage = fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(8),
        fc.constantFrom("", "{", "}", "[", "]", ":", ",", '"', "'", "/*", "//", "x", "1", "\\", "-", "\n", ";", "="),
      ),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(json5Text, damage, (text, damages) => {
        let damaged = text;
        for (const [at, size, inserted] of damages) {
          const start = at % (damaged.length + 1);
          damaged = damaged.slice(0, start) + inserted + damaged.slice(start + size);
        }
        const parsed = parseJson5(damaged);
        const isValid = bunValue(damaged) !== undefined;
        expect([damaged, parsed.complaints.length === 0]).toEqual([damaged, isValid]);
        for (const { start, end } of parsed.complaints) {
          expect(start >= 0 && start <= end && end <= damaged.length).toBeTrue();
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test("made of any characters neither throws nor hangs", () => {
    const soup = fc.array(
      fc.oneof(
        fc.constantFrom(..."{}[]:,;'\"\\/*\n-+.0x1eE=#\ud83d".split(""), "/*", "*/", "//", "null", "a:"),
        fc.string({ unit: "binary", maxLength: 3 }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(soup, (pieces) => {
        const text = pieces.join("");
        expect(parseJson5(text).complaints.length === 0).toBe(bunValue(text) !== undefined);
      }),
      { numRuns: 5_000 },
    );
  });

  test("nested 200,000 deep is refused, not followed", () => {
    expect(complaintsOf("[".repeat(200_000))).toEqual(expect.arrayContaining(["1:65: nested more than 64 deep"]));
    expect(complaintsOf(`${"{a:".repeat(200_000)}1`).length).toBeLessThanOrEqual(100);
  });
});

describe("a mistake is told where it is, and nothing but it", () => {
  for (const [text, says] of [
    ["{ a: 1 b: 2 }", ["1:8: ',' is missing before 'b'"]],
    ["{ a 1, b: 2 }", ["1:5: ':' is missing after the key 'a'"]],
    ["{ a = 1 }", ["1:5: ':' was expected after the key 'a', not '='"]],
    ["{ a: , b: 2 }", ["1:6: a value is missing after the key 'a'"]],
    ["{ a, b: 2 }", ["1:4: ':' is missing after the key 'a'"]],
    ["{ a:\n b: 2 }", ["2:2: a value is missing after the key 'a'"]],
    ["{ a\n b: 2 }", ["2:2: ':' is missing after the key 'a'"]],
    ["{ a: 1; b: 2 }", ["1:7: ',' was expected, not ';'"]],
    ["{ a: 50 00, b: 2 }", ["1:9: '00' is not a number"]],
    ["{ a: 1 @, b: 2 }", ["1:8: ',' or '}' was expected, not '@'"]],
    ["{ a: tru }", ["1:6: 'tru' is not a value. Did you mean 'true'?"]],
    ["{ a: eth0 }", ["1:6: 'eth0' is not a value. Text needs quotes."]],
    ["{ a: 010, b: 1 }", ["1:6: '010' is not a number"]],
    ["{ a: 239.1.1.1 }", ["1:6: '239.1.1.1' is not a number"]],
    ["{ a: 'x\n, b: 1 }", ["1:6: the text that begins here has no closing '"]],
    ["{ a: 'x\\u12', b: 'y\\1' }", ["1:8: '\\u12' is not an escape", "1:20: '\\1' is not an escape"]],
    ["{ 1a: 1 }", ["1:3: '1a' is not a number"]],
    ["{ : 1, b: 1 }", ["1:3: a key is missing before ':'"]],
    ["{ a: [1, 2, b: 3 }", ["1:13: ']' is missing before 'b'"]],
    ["{ a: [ { b: 1, { b: 2 } ] }", ["1:16: '}' is missing before '{'"]],
    ["{ a: [ { b: 1 ] }", ["1:15: '}' is missing before ']'"]],
    ["{ a: [1,, 2] }", ["1:9: a value was expected, not ','"]],
    ["{ a: [1 2] }", ["1:9: ',' is missing before '2'"]],
    ["{ a: @, b: 1 }", ["1:6: '@' cannot stand here; a value was expected"]],
    ["{ a: 1 } }", ["1:10: nothing may follow the outermost value, and here is '}'"]],
    ["{ a: 1 }, b: 2 }", ["1:9: nothing may follow the outermost value, and here is ','"]],
    ["{ a: 1", ["1:1: this '{' is never closed"]],
    ["{ a: 1 /* b", ["1:1: this '{' is never closed", "1:8: the comment that begins here never ends; '*/' is missing"]],
    ["", ["1:1: the file is empty; it must hold an object: {}"]],
    ["// only\n", ["2:1: the file is empty; it must hold an object: {}"]],
  ] as const) {
    test(JSON.stringify(text), () => expect(complaintsOf(text)).toEqual([...says]));
  }

  test("and the rest of the text keeps its meaning", () => {
    const { root } = parseJson5("{ a: 1 b: tru, c: [1 2, @], d = {x: 'y'}, e: [ {f: 1, {g: 2} ], h: 3 }");
    expect(meaningOf(root)).toEqual({
      a: 1,
      b: undefined,
      c: [1, 2, undefined],
      d: { x: "y" },
      e: [{ f: 1 }, { g: 2 }],
      h: 3,
    });
  });

  test("columns count characters, lines every kind of end", () => {
    expect(complaintsOf("{\r\n'😀': x\r y: z }").map((line) => line.split(" ")[0])).toEqual(["2:6:", "3:2:", "3:5:"]);
  });
});
